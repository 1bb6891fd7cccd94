import type { ProcessorFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { positionError } from "./position.ts";
import { RecordId } from "./record_id.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "record_id",
  aliases: [],
  description: "Gives each record an id that stays the same when it is sent again.",
  configSchema,
  checkPosition: (_config, position) => positionError(position),
  create: (config, settings, next) => new RecordId(config, settings, next),
};
