import type { ProcessorFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { HmacChain } from "./hmac_chain.ts";
import { refusedPosition } from "./position.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "hmac_chain",
  aliases: [],
  description: "Links every record to the one before it with a forward-secure HMAC.",
  configSchema,
  checkPosition: (_config, position) => refusedPosition(position),
  create: (config, settings, next) => new HmacChain(config, settings, next),
};
