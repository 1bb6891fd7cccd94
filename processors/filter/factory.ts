import type { PipelinePosition, ProcessorFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { Filter } from "./filter.ts";
import { positionError } from "./position.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "filter",
  aliases: [],
  description: "Drops records by conditions on severity, body and attributes.",
  configSchema,
  checkPosition: (config: Config, position: PipelinePosition) => positionError(config, position),
  create: (config, settings, next) => new Filter(config, settings, next),
};
