import type { ProcessorFactory } from "../../src/component/factory.ts";
import { Batcher } from "./batch.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "batch",
  aliases: [],
  description: "Puts small batches together and splits large ones.",
  configSchema,
  create: (config, settings, next) => new Batcher(config, settings, next),
};
