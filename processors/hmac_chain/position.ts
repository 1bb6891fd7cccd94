/**
 * Where in a pipeline the chain may stand: what it vouched for must not be changed afterwards, and
 * records with untreated findings must not be chained in clear.
 */
import type { PipelinePosition } from "../../src/component/factory.ts";

/** Processors that change the content of records. */
const CHANGING: ReadonlySet<string> = new Set(["pii_detect", "tokenize"]);

/** Why the chain cannot stand there; undefined when it can. */
export function refusedPosition({ pipeline, after }: PipelinePosition): string | undefined {
  const changing = after.find((type) => CHANGING.has(type));
  if (changing !== undefined) {
    return (
      `hmac_chain stands before ${changing} in ${pipeline}, which would change records after ` +
      `they were vouched for: move hmac_chain behind ${changing}`
    );
  }
  return after.includes("hmac_chain")
    ? `${pipeline} has two hmac_chain processors, and the second would replace the values of the ` +
        "first: remove one"
    : undefined;
}
