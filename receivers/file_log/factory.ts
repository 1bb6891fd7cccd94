/** How `file_log` enters the agent. */
import type { ReceiverFactory } from "../../src/component/factory.ts";
import type { FileLogConfig } from "./config.ts";
import { configSchema } from "./config.ts";
import { FileLogReceiver } from "./file_log.ts";

export const factory: ReceiverFactory<FileLogConfig> = {
  kind: "receiver",
  type: "file_log",
  aliases: ["filelog"],
  description: "Reads log files as they grow, through rotation and restarts, exactly once.",
  configSchema,
  create: (config, settings, next) => new FileLogReceiver(config, settings, next),
};
