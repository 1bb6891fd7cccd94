import type { ProcessorFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { MemoryLimiter } from "./memory_limiter.ts";
import { processMemory } from "./process_memory.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "memory_limiter",
  aliases: [],
  description: "Refuses records for a while when the agent uses too much memory.",
  configSchema,
  create: (config, settings, next) => new MemoryLimiter(config, settings, next, processMemory),
};
