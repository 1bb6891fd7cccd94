/** The operators of one file, in order: from a line to a finished entry. */
import { accessLogParser } from "./access_log_parser.ts";
import type { OperatorConfig } from "./config.ts";
import { containerOperator } from "./container.ts";
import { compileCondition } from "./expression.ts";
import { jsonParser } from "./json_parser.ts";
import type { Entry, HeldFrom, Operator, OperatorContext } from "./operator.ts";
import { stepOperator } from "./parser.ts";
import { regexParser } from "./regex_parser.ts";
import { severityParser } from "./severity.ts";
import { syslogOperator } from "./syslog_parser.ts";
import { timestampParser } from "./timestamp.ts";
import { transferOperator } from "./transfer.ts";

export class OperatorChain {
  readonly #operators: readonly Operator[];

  constructor(configs: readonly OperatorConfig[], context: OperatorContext) {
    this.#operators = configs.map((config) => conditional(config, build(config, context)));
  }

  /** False: the entry gives no record, or not yet. */
  process(entry: Entry): boolean {
    return this.#processFrom(0, entry);
  }

  /** The oldest line that some operator holds back. */
  heldFrom(): HeldFrom | undefined {
    let oldest: HeldFrom | undefined;
    for (const operator of this.#operators) {
      const held = operator.heldFrom?.();
      if (held !== undefined && (oldest === undefined || held.offset < oldest.offset)) {
        oldest = held;
      }
    }
    return oldest;
  }

  /** Finishes what is held back, because nothing comes any more. */
  release(): Entry[] {
    const entries: Entry[] = [];
    this.#operators.forEach((operator, index) => {
      for (let entry = operator.release?.(); entry !== undefined; entry = operator.release?.()) {
        if (this.#processFrom(index + 1, entry)) entries.push(entry);
      }
    });
    return entries;
  }

  #processFrom(first: number, entry: Entry): boolean {
    for (let index = first; index < this.#operators.length; index++) {
      if (!this.#operators[index]!.process(entry)) return false;
    }
    return true;
  }
}

/** Lines for which `if` is not true pass the operator by. */
function conditional({ if: condition }: OperatorConfig, operator: Operator): Operator {
  if (condition === undefined) return operator;
  const applies = compileCondition(condition);
  return { ...operator, process: (entry) => !applies(entry) || operator.process(entry) };
}

function build(config: OperatorConfig, context: OperatorContext): Operator {
  switch (config.type) {
    case "json_parser":
      return jsonParser(config, context);
    case "regex_parser":
      return regexParser(config, context);
    case "access_log_parser":
      return accessLogParser(config, context);
    case "container":
      return containerOperator(config, context);
    case "syslog_parser":
      return syslogOperator(config, context);
    case "time_parser":
      return stepOperator(config, context, timestampParser(config, context.nowMs));
    case "severity_parser":
      return stepOperator(config, context, severityParser(config));
    case "copy":
    case "move":
    case "remove":
      return transferOperator(config, context);
    case "filter": {
      const drops = compileCondition(config.expr);
      return { process: (entry) => !drops(entry) };
    }
  }
}
