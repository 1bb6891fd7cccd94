/** The one screen that `run` prints: what is read, where plaintext ends, where it goes. */
import type { GraphPlan, PipelinePlan } from "../pipeline/graph.ts";

export interface OverviewPlaces {
  readonly files: readonly string[];
  readonly stateDirectory: string;
  /** URLs, or undefined when off. */
  readonly metrics: string | undefined;
  readonly health: string | undefined;
}

/** Lines of text; `┃` stands where plaintext ends. */
export function formatOverview(plan: GraphPlan, places: OverviewPlaces): string {
  const width = Math.max(...plan.pipelines.map(({ id }) => id.length));
  const lines = [`configuration  ${places.files.join(", ")}`, ""];
  for (const pipeline of plan.pipelines) {
    lines.push(`  ${pipeline.id.padEnd(width)}  ${formatPipeline(plan, pipeline)}`);
  }
  const unprotected = plan.pipelines.filter((pipeline) => plaintextEnd(plan, pipeline) === 0);
  lines.push("", "  ┃ plaintext ends here");
  for (const { id, exporters } of unprotected) {
    lines.push(`  ! ${id} protects nothing: plaintext reaches ${exporters.join(", ")}`);
  }
  lines.push("", `state    ${places.stateDirectory}`);
  if (places.metrics !== undefined) lines.push(`metrics  ${places.metrics}`);
  if (places.health !== undefined) lines.push(`health   ${places.health}`);
  return `${lines.join("\n")}\n`;
}

/** `receiver → processor ┃ → exporter`. */
export function formatPipeline(plan: GraphPlan, pipeline: PipelinePlan): string {
  const end = plaintextEnd(plan, pipeline);
  const steps = [pipeline.receivers.join(", "), ...pipeline.processors].map((step, index) =>
    index === end && end > 0 ? `${step} ┃` : step,
  );
  return [...steps, pipeline.exporters.join(", ")].join(" → ");
}

/** How many processors plaintext gets to; 0 when none of them protects. */
export function plaintextEnd(plan: GraphPlan, pipeline: PipelinePlan): number {
  const protects = (id: string): boolean => plan.processors.get(id)?.factory.protects === true;
  return pipeline.processors.findLastIndex(protects) + 1;
}
