/** Where in a pipeline a filter can stand. */
import type { PipelinePosition } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";

export function positionError(config: Config, position: PipelinePosition): string | undefined {
  const { logs, log_conditions } = config;
  const conditions = [...logs.log_record, ...logs.resource, ...log_conditions];
  if (logs.include === undefined && logs.exclude === undefined && conditions.length === 0) {
    return "it has nothing to do: give it logs.log_record, logs.include or logs.exclude";
  }
  if (!position.before.includes("hmac_chain")) return undefined;
  return (
    "a filter behind hmac_chain would leave holes that look like deleted records: " +
    "put it before hmac_chain"
  );
}
