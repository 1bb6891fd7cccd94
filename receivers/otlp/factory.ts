/** The `otlp` receiver. */
import type { ReceiverFactory } from "../../src/component/factory.ts";
import type { OtlpConfig } from "./config.ts";
import { configSchema } from "./config.ts";
import { OtlpReceiver } from "./otlp.ts";

export const factory: ReceiverFactory<OtlpConfig> = {
  kind: "receiver",
  type: "otlp",
  aliases: [],
  description:
    "Receives OTLP logs over HTTP (protobuf, JSON) and gRPC; answers when they are safe.",
  configSchema,
  create: (config, settings, next) => new OtlpReceiver(config, settings, next),
};
