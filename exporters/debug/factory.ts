import type { ExporterFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { DebugExporter } from "./debug.ts";

export const factory: ExporterFactory<Config> = {
  kind: "exporter",
  type: "debug",
  aliases: [],
  description: "Prints what leaves, after protection, to standard output.",
  configSchema,
  create: (config, settings) => new DebugExporter(config, settings, process.stdout),
};
