import type { ExporterFactory } from "../../src/component/factory.ts";
import { queueOptions } from "../../src/lib/sending/config.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { DpMetricsExporter } from "./dp_metrics.ts";

export const factory: ExporterFactory<Config> = {
  kind: "exporter",
  type: "dp_metrics",
  aliases: [],
  description: "Sends the private numbers of `dp_window` as metrics over OTLP/HTTP.",
  configSchema,
  queue: (config) => queueOptions(config.sending_queue),
  create: (config, settings) => new DpMetricsExporter(config, settings),
};
