import type { ExporterFactory } from "../../src/component/factory.ts";
import { queueOptions } from "../../src/lib/sending/config.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { OtlpGrpcExporter } from "./otlp_grpc.ts";

export const factory: ExporterFactory<Config> = {
  kind: "exporter",
  type: "otlp_grpc",
  // The Collector's older name of its gRPC exporter.
  aliases: ["otlp"],
  description: "Sends logs to any OpenTelemetry backend over OTLP/gRPC.",
  configSchema,
  queue: (config) => queueOptions(config.sending_queue),
  create: (config, settings) => new OtlpGrpcExporter(config, settings),
};
