/** The `journald` receiver. */
import type { ReceiverFactory } from "../../src/component/factory.ts";
import type { JournaldConfig } from "./config.ts";
import { configSchema } from "./config.ts";
import { JournaldReceiver } from "./journald.ts";

export const factory: ReceiverFactory<JournaldConfig> = {
  kind: "receiver",
  type: "journald",
  aliases: [],
  description: "Reads the systemd journal through journalctl, from where it stopped.",
  configSchema,
  create: (config, settings, next) => new JournaldReceiver(config, settings, next),
};
