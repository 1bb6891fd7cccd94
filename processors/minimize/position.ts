/** Where in a pipeline `minimize` can stand. */
import type { PipelinePosition } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";

export function positionError(config: Config, { before }: PipelinePosition): string | undefined {
  if (!hasWork(config)) {
    return "it has nothing to do: give it an allow or deny list, body limits or query_parameters";
  }
  if (before.includes("hmac_chain")) {
    return (
      "minimize behind hmac_chain would change records after they were vouched for: " +
      "put it before hmac_chain"
    );
  }
  if (!before.includes("dp_window")) return undefined;
  return "minimize behind dp_window would change released numbers: put it before dp_window";
}

function hasWork(config: Config): boolean {
  const { attributes, resource_attributes, scope_attributes, body, query_parameters } = config;
  if (query_parameters !== undefined || body.drop || body.max_bytes !== undefined) return true;
  const sections = [attributes, resource_attributes, scope_attributes, body];
  return sections.some(({ allow, deny }) => allow !== undefined || deny.length > 0);
}
