/** Where in a pipeline a guard can stand, and whether there is a detector for it. */
import type { PipelinePosition } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";
import { detectorOptions } from "./config.ts";

/** They add no text of a record, so what the guard has seen is what leaves. */
const MAY_FOLLOW = ["hmac_chain", "dp_window", "batch", "memory_limiter"];

export function positionError(config: Config, position: PipelinePosition): string | undefined {
  const { before, after, createDetector } = position;
  const later = after.find((type) => !MAY_FOLLOW.includes(type));
  if (later !== undefined) {
    return `${later} behind it would change what the guard has seen: put the guard behind it`;
  }
  if (before.includes("hmac_chain")) {
    return "behind hmac_chain a withheld record would look like a deleted one: put it before";
  }
  if (before.includes("dp_window")) {
    return "dp_window would count the canaries that a guard takes out: put it before dp_window";
  }
  const detector = createDetector?.(detectorOptions(config));
  return typeof detector === "string" ? detector : undefined;
}
