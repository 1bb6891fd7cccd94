/** Where in a pipeline a detector with this configuration can stand. */
import type { PipelinePosition } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";

export function positionError(config: Config, position: PipelinePosition): string | undefined {
  const { before, after } = position;
  if (before.lastIndexOf("pii_detect") > before.lastIndexOf("tokenize")) {
    return "a pii_detect stands before it already; put a tokenize between them, or join the two";
  }
  if (after.includes("tokenize")) return undefined;
  for (const [entity, { action }] of Object.entries(config.treatments)) {
    if (action !== "tokenize") continue;
    return `the treatment of ${entity} is tokenize, so a tokenize processor must stand behind it`;
  }
  return undefined;
}
