/** Where in a pipeline `consent` can stand. */
import type { PipelinePosition } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";

export function positionError(config: Config, position: PipelinePosition): string | undefined {
  const { before, after } = position;
  if (before.includes("hmac_chain")) {
    return (
      "consent behind hmac_chain would leave holes that look like deleted records: " +
      "put it before hmac_chain"
    );
  }
  if (before.includes("dp_window")) {
    return "behind dp_window there are numbers and no subjects: put it before dp_window";
  }
  if (before.includes("pii_detect") && after.includes("tokenize")) {
    return (
      "between pii_detect and tokenize a stripped record would lose the places of its findings: " +
      "put it before pii_detect"
    );
  }
  if (config.registry !== undefined && config.record_changes && after.includes("dp_window")) {
    return (
      "dp_window would count the records of consent changes: set record_changes to false here, " +
      "and leave it on in a pipeline that is archived"
    );
  }
  return undefined;
}
