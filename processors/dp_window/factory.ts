/** `dp_window` for the agent. */
import type { ProcessorFactory } from "../../src/component/factory.ts";
import type { DpWindowConfig } from "./config.ts";
import { configSchema } from "./config.ts";
import { DpWindow } from "./dp_window.ts";
import { checkPosition } from "./position.ts";

export const factory: ProcessorFactory<DpWindowConfig> = {
  kind: "processor",
  type: "dp_window",
  aliases: [],
  protects: true,
  countsArePrivate: true,
  description: "Replaces records by differentially private counts of fixed windows.",
  configSchema,
  checkPosition,
  create: (config, settings, next) => new DpWindow(config, settings, next),
};
