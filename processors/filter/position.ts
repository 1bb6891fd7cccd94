/** Where in a pipeline a filter can stand. */
import type { PipelinePosition } from "../../src/component/factory.ts";
import type { Config } from "./config.ts";

export function positionError({ logs }: Config, position: PipelinePosition): string | undefined {
  if (logs.include === undefined && logs.exclude === undefined) {
    return "it has nothing to do: give it logs.include or logs.exclude";
  }
  if (!position.before.includes("hmac_chain")) return undefined;
  return (
    "a filter behind hmac_chain would leave holes that look like deleted records: " +
    "put it before hmac_chain"
  );
}
