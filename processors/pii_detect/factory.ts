import type { PipelinePosition, ProcessorFactory } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { configSchema } from "./config.ts";
import { createDetector } from "./lent_detector.ts";
import { PiiDetect } from "./pii_detect.ts";
import { positionError } from "./position.ts";

export const factory: ProcessorFactory<Config> = {
  kind: "processor",
  type: "pii_detect",
  aliases: [],
  protects: true,
  description: "Finds personal data and secrets in bodies and attributes and treats them.",
  configSchema,
  checkPosition: (config: Config, position: PipelinePosition) => positionError(config, position),
  createDetector,
  create: (config, settings, next) => new PiiDetect(config, settings, next),
};
