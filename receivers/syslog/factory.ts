/** The `syslog` receiver. */
import type { ReceiverFactory } from "../../src/component/factory.ts";
import type { SyslogConfig } from "./config.ts";
import { configSchema } from "./config.ts";
import { SyslogReceiver } from "./syslog.ts";

export const factory: ReceiverFactory<SyslogConfig> = {
  kind: "receiver",
  type: "syslog",
  aliases: [],
  description: "Receives syslog messages (RFC 5424, RFC 3164) over TCP, TLS and UDP.",
  configSchema,
  create: (config, settings, next) => new SyslogReceiver(config, settings, next),
};
