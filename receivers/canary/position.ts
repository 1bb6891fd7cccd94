/** Where canaries may be sent: only where a guard takes them out again. */
import type { PipelinePosition } from "../../src/component/factory.ts";

export function positionError({ after }: PipelinePosition): string | undefined {
  if (after.includes("leak_guard")) return undefined;
  return "nothing in this pipeline would see its canaries: add the processor leak_guard";
}
