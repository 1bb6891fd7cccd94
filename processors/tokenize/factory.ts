import type { PipelinePosition, ProcessorFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { positionError } from "./position.ts";
import { Tokenize } from "./tokenize.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "tokenize",
  aliases: [],
  protects: true,
  description: "Replaces what a detector found by keyed tokens, the same value by the same token.",
  configSchema,
  checkPosition: (config: Config, position: PipelinePosition) => positionError(config, position),
  create: (config, settings, next) => new Tokenize(config, settings, next),
};
