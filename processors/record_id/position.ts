/** Where it may stand: where records still have their source and are not vouched for yet. */
import type { PipelinePosition } from "../../src/component/factory.ts";

export function positionError({ before, pipeline }: PipelinePosition): string | undefined {
  const wrong = before.find((type) => type === "hmac_chain" || type === "batch");
  if (wrong === undefined) return undefined;
  const reason =
    wrong === "batch"
      ? "would find records without their source, whose ids change when they are read again"
      : "would change records after they were vouched for";
  return `record_id behind ${wrong} in ${pipeline} ${reason}: put it before ${wrong}`;
}
