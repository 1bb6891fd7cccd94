/** Where in a pipeline `dp_window` can stand. */
import type { PipelinePosition } from "../../src/component/factory.ts";
import type { DpWindowConfig } from "./config.ts";

/** These look for personal data in each value and would change the released numbers. */
const CHANGES_VALUES = ["pii_detect", "tokenize"];

export function checkPosition(
  _config: DpWindowConfig,
  { before, after }: PipelinePosition,
): string | undefined {
  if (before.includes("dp_window")) {
    return "a second dp_window would only see the first one's results; give it its own pipeline";
  }
  const changing = after.find((type) => CHANGES_VALUES.includes(type));
  if (changing === undefined) return undefined;
  return `${changing} behind dp_window would change released numbers; put it before dp_window`;
}
