import type { PipelinePosition, ProcessorFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { LeakGuard } from "./leak_guard.ts";
import { positionError } from "./position.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "leak_guard",
  aliases: [],
  description: "Looks again at what leaves a pipeline, stops leaks and takes out canaries.",
  configSchema,
  checkPosition: (config: Config, position: PipelinePosition) => positionError(config, position),
  create: (config, settings, next) => new LeakGuard(config, settings, next),
};
