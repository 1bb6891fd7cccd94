/** The `stdin` receiver. */
import type { ReceiverFactory } from "../../src/component/factory.ts";
import type { StdinConfig } from "./config.ts";
import { configSchema } from "./config.ts";
import { StdinReceiver } from "./stdin.ts";

export const factory: ReceiverFactory<StdinConfig> = {
  kind: "receiver",
  type: "stdin",
  aliases: [],
  description: "Reads lines from the agent's standard input.",
  configSchema,
  create: (config, settings, next) => new StdinReceiver(config, settings, next, process.stdin),
};
