/** The components that are built into this program. */
import { exporterFactories } from "../exporters/index.ts";
import { processorFactories } from "../processors/index.ts";
import { receiverFactories } from "../receivers/index.ts";
import type { Factories } from "./factories.ts";

export const builtinFactories: Factories = {
  receivers: receiverFactories,
  processors: processorFactories,
  exporters: exporterFactories,
};
