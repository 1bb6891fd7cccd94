import type { PipelinePosition, ReceiverFactory } from "../../src/component/factory.ts";
import { Canary } from "./canary.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { positionError } from "./position.ts";

export const factory: ReceiverFactory<Config> = {
  kind: "receiver",
  type: "canary",
  aliases: [],
  description: "Sends made-up personal values through pipelines to see that none comes out.",
  configSchema,
  checkPosition: (_config: Config, position: PipelinePosition) => positionError(position),
  create: (config, settings, next) => new Canary(config, settings, next),
};
