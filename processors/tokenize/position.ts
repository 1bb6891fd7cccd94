/** Where in a pipeline a tokenizer with this configuration can stand. */
import type { PipelinePosition } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";

export function positionError(config: Config, position: PipelinePosition): string | undefined {
  if (config.attributes.length > 0 || position.before.includes("pii_detect")) return undefined;
  return "it has nothing to do: put a pii_detect before it, or name attributes";
}
