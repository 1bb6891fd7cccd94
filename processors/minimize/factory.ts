import type { PipelinePosition, ProcessorFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { Minimize } from "./minimize.ts";
import { positionError } from "./position.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "minimize",
  aliases: [],
  description: "Keeps the fields that are needed, cuts bodies and scrubs query parameters.",
  configSchema,
  checkPosition: (config: Config, position: PipelinePosition) => positionError(config, position),
  create: (config, settings, next) => new Minimize(config, settings, next),
};
