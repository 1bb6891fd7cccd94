import type { PipelinePosition, ProcessorFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { Consent } from "./consent.ts";
import { positionError } from "./position.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "consent",
  aliases: [],
  description: "Lets a record pass only when its subject consented to the purposes of a pipeline.",
  configSchema,
  checkPosition: (config: Config, position: PipelinePosition) => positionError(config, position),
  create: (config, settings, next) => new Consent(config, settings, next),
};
