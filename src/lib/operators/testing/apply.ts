/** Operators on single texts, for tests. */
import type { AnyValue } from "../../../data/any_value.ts";
import { OperatorChain } from "../chain.ts";
import { operatorConfigs } from "../config.ts";
import type { Entry } from "../operator.ts";

export const NOW_MS: number = Date.UTC(2026, 5, 15);

export interface Applied {
  readonly entry: Entry;
  readonly passed: boolean;
  readonly failures: readonly string[];
}

export function newEntry(body: AnyValue): Entry {
  return {
    ...{ body, attributes: {}, resource: {}, hrTime: [0, 0], start: 0, number: 1 },
    ...{ severityNumber: undefined, severityText: undefined },
    ...{ spanContext: undefined, scopeName: "" },
  };
}

export function chainOf(configs: readonly object[], path = "/a.log") {
  const failures: string[] = [];
  const failed = (operator: string): void => {
    failures.push(operator);
  };
  const context = { path, nowMs: () => NOW_MS, failed };
  return { chain: new OperatorChain(operatorConfigs.parse(configs), context), failures };
}

export function apply(config: object, body: AnyValue, path?: string): Applied {
  const { chain, failures } = chainOf([config], path);
  const entry = newEntry(body);
  return { passed: chain.process(entry), entry, failures };
}
