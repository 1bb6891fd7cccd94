import type { ExporterFactory } from "../../src/component/factory.ts";
import { queueOptions } from "../../src/lib/sending/config.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { OtlpHttpExporter } from "./otlp_http.ts";

export const factory: ExporterFactory<Config> = {
  kind: "exporter",
  type: "otlp_http",
  aliases: ["otlphttp"],
  description: "Sends logs to any OpenTelemetry backend over OTLP/HTTP.",
  configSchema,
  queue: (config) => queueOptions(config.sending_queue),
  create: (config, settings) => new OtlpHttpExporter(config, settings),
};
