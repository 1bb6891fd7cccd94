/** The operators of one file, in order: from a line to a finished entry. */
import { accessLogParser } from "./access_log_parser.ts";
import { changeOperator } from "./changes.ts";
import type { FilterConfig, OperatorConfig } from "./config.ts";
import { containerOperator } from "./container.ts";
import { csvParser } from "./csv_parser.ts";
import { compileCondition } from "./expression.ts";
import { jsonArrayParser, jsonParser } from "./json_parser.ts";
import { keyValueParser } from "./key_value_parser.ts";
import type { Entry, HeldFrom, Operator, OperatorContext } from "./operator.ts";
import { stepOperator } from "./parser.ts";
import { recombineOperator } from "./recombine.ts";
import { regexParser } from "./regex_parser.ts";
import { routesOf } from "./router.ts";
import { operatorIds, targetOf } from "./routes.ts";
import { scopeNameParser } from "./scope_name.ts";
import { severityParser } from "./severity.ts";
import { syslogOperator } from "./syslog_parser.ts";
import { timestampParser } from "./timestamp.ts";
import { traceParser } from "./trace.ts";
import { transferOperator } from "./transfer.ts";
import { uriParser } from "./uri_parser.ts";
import { addOperator, retainOperator } from "./values.ts";

/** How long lines are held back, unless an operator says otherwise. */
const HELD_MS = 5_000;

/** An operator and the place of the one behind it, for each entry. */
interface Link {
  readonly operator: Operator;
  /** Undefined: the entry goes nowhere. */
  readonly next: (entry: Entry) => number | undefined;
}

export class OperatorChain {
  readonly #links: readonly Link[];
  /** The longest time for which an operator holds lines back while nothing comes. */
  readonly heldMs: number;

  constructor(configs: readonly OperatorConfig[], context: OperatorContext) {
    const ids = operatorIds(configs);
    this.#links = configs.map((config, index) => ({
      operator: conditional(config, build(config, context)),
      next: nextOf(config, index, ids),
    }));
    const times = this.#links.map(({ operator }) => operator.heldMs ?? 0).filter((ms) => ms > 0);
    this.heldMs = times.length === 0 ? HELD_MS : Math.max(...times);
  }

  /** False: the entry gives no record, or not yet. */
  process(entry: Entry): boolean {
    return this.#processFrom(0, entry);
  }

  /** The oldest line that some operator holds back. */
  heldFrom(): HeldFrom | undefined {
    let oldest: HeldFrom | undefined;
    for (const { operator } of this.#links) {
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
    for (const { operator, next } of this.#links) {
      for (let entry = operator.release?.(); entry !== undefined; entry = operator.release?.()) {
        if (this.#processFrom(next(entry), entry)) entries.push(entry);
      }
    }
    return entries;
  }

  #processFrom(first: number | undefined, entry: Entry): boolean {
    let index = first;
    while (index !== undefined && index < this.#links.length) {
      const { operator, next } = this.#links[index]!;
      if (!operator.process(entry)) return false;
      index = next(entry);
    }
    return index !== undefined;
  }
}

function nextOf(
  config: OperatorConfig,
  index: number,
  ids: readonly string[],
): (entry: Entry) => number | undefined {
  if (config.type === "router") return routesOf(config, index, ids);
  const next = config.output === undefined ? index + 1 : targetOf(ids, config.output);
  return () => next;
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
    case "json_array_parser":
      return jsonArrayParser(config, context);
    case "csv_parser":
      return csvParser(config, context);
    case "key_value_parser":
      return keyValueParser(config, context);
    case "uri_parser":
      return uriParser(config, context);
    case "trace_parser":
      return stepOperator(config, context, traceParser(config));
    case "scope_name_parser":
      return stepOperator(config, context, scopeNameParser(config));
    case "add":
      return addOperator(config, context);
    case "retain":
      return retainOperator(config, context);
    case "flatten":
    case "unquote":
    case "sanitize_utf8":
    case "assign_keys":
    case "regex_replace":
      return changeOperator(config, context);
    case "recombine":
      return recombineOperator(config, context);
    case "filter":
      return filterOperator(config);
    case "router":
    case "noop":
      return { process: () => true };
  }
}

/** The place of a line in its file chooses, so that a line that is read again fares the same. */
function filterOperator({ expr, drop_ratio: ratio }: FilterConfig): Operator {
  const drops = compileCondition(expr);
  const isChosen = (place: number): boolean =>
    ratio === 1 || (Math.imul(place + 1, 0x9e3779b1) >>> 0) / 2 ** 32 < ratio;
  return { process: (entry) => !(drops(entry) && isChosen(entry.start)) };
}
