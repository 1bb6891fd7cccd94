/**
 * Expressions of `if`, `filter`, `router` and others: the part of the Collector's expression
 * language (expr-lang.org) that configurations of log operators use.
 *
 * An expression never fails while it runs: what has no meaning (a missing field, unlike kinds) is
 * nil, and a comparison with nil is false. Patterns of `matches` are written out, not computed, so
 * that they are checked when the configuration is read.
 */
import type { AnyValue } from "../../data/any_value.ts";
import { isAnyValueMap } from "../../data/any_value.ts";
import type { Piece } from "./expression_text.ts";
import { piecesOf } from "./expression_text.ts";
import { BINARY, FUNCTIONS, numberOf } from "./expression_value.ts";
import { compileGoRegex } from "./go_regex.ts";
import type { Entry } from "./operator.ts";
import { REGEX_INPUT_CHARACTERS_MAX } from "./operator.ts";

export type Expression = (entry: Entry) => AnyValue;

const VARIABLES: Readonly<Record<string, Expression>> = {
  body: (entry) => entry.body,
  $: (entry) => entry.body,
  attributes: (entry) => entry.attributes,
  resource: (entry) => entry.resource,
  severity_number: (entry) => entry.severityNumber ?? 0,
  severity_text: (entry) => entry.severityText ?? "",
};
const CONSTANTS: Readonly<Record<string, AnyValue>> = { true: true, false: false, nil: undefined };
/** How tightly the signs bind, loosest first. */
const LEVELS: Readonly<Record<string, number>> = {
  "||": 2,
  or: 2,
  "&&": 3,
  and: 3,
  ...{ "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4 },
  ...{ in: 4, not: 4, matches: 4, contains: 4, startsWith: 4, endsWith: 4 },
  ...{ "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "**": 7, "??": 8 },
};
/** What may stand behind `not` between two values. */
const NEGATABLE = ["in", "matches", "contains", "startsWith", "endsWith"];
const NESTING_MAX = 64;

/** @throws SyntaxError that says what is wrong with it. */
export function compileExpression(text: string): Expression {
  const reader = new Reader(piecesOf(text));
  const expression = reader.whole();
  reader.expectEnd();
  return expression;
}

/** The message of what is wrong with an expression, or undefined. */
export function expressionError(text: string): string | undefined {
  try {
    compileExpression(text);
    return undefined;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}

export function compileCondition(text: string): (entry: Entry) => boolean {
  const expression = compileExpression(text);
  return (entry) => expression(entry) === true;
}

class Reader {
  readonly #pieces: readonly Piece[];
  #next = 0;
  #depth = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** An expression, with `condition ? one : other`. */
  whole(): Expression {
    if (++this.#depth > NESTING_MAX) throw new SyntaxError("the expression is nested too deeply");
    const condition = this.#binary(1);
    let result = condition;
    if (this.#takes("?")) {
      const one = this.whole();
      this.#expect(":");
      const other = this.whole();
      result = (entry) => (condition(entry) === true ? one(entry) : other(entry));
    }
    this.#depth--;
    return result;
  }

  expectEnd(): void {
    if (this.#piece.kind !== "end") throw this.#unexpected();
  }

  get #piece(): Piece {
    return this.#pieces[this.#next]!;
  }

  #unexpected(): SyntaxError {
    return new SyntaxError(`unexpected ${this.#piece.text} at position ${this.#piece.at + 1}`);
  }

  #takes(text: string): boolean {
    const { kind, text: found } = this.#piece;
    if (found !== text || (kind !== "sign" && kind !== "name")) return false;
    this.#next++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw this.#unexpected();
  }

  #binary(level: number): Expression {
    let left = this.#unary();
    for (;;) {
      const { kind, text } = this.#piece;
      const isSign = kind === "sign" || kind === "name";
      const binds = isSign && Object.hasOwn(LEVELS, text) ? LEVELS[text]! : 0;
      if (binds < level) return left;
      this.#next++;
      left = this.#join(text, left, binds);
    }
  }

  #join(sign: string, left: Expression, level: number): Expression {
    if (sign === "not") {
      const { text } = this.#piece;
      if (!NEGATABLE.includes(text)) throw this.#unexpected();
      this.#next++;
      const positive = this.#join(text, left, level);
      return (entry) => positive(entry) !== true;
    }
    if (sign === "matches") return this.#matches(left);
    // `**` joins from the right, all others from the left.
    const right = this.#binary(sign === "**" ? level : level + 1);
    if (sign === "??") return (entry) => left(entry) ?? right(entry);
    if (sign === "||" || sign === "or") {
      return (entry) => left(entry) === true || right(entry) === true;
    }
    if (sign === "&&" || sign === "and") {
      return (entry) => left(entry) === true && right(entry) === true;
    }
    const join = BINARY[sign];
    if (join === undefined) throw this.#unexpected();
    return (entry) => join(left(entry), right(entry));
  }

  #matches(left: Expression): Expression {
    if (this.#piece.kind !== "string") {
      throw new SyntaxError("matches needs a pattern in quotation marks behind it");
    }
    const pattern = compileGoRegex(this.#pieces[this.#next++]!.text);
    return (entry) => {
      const text = left(entry);
      const isFit = typeof text === "string" && text.length <= REGEX_INPUT_CHARACTERS_MAX;
      return isFit && pattern.test(text);
    };
  }

  #unary(): Expression {
    if (++this.#depth > NESTING_MAX) throw new SyntaxError("the expression is nested too deeply");
    const result = this.#signed();
    this.#depth--;
    return result;
  }

  #signed(): Expression {
    if (this.#takes("!") || this.#takes("not")) {
      const inner = this.#unary();
      return (entry) => inner(entry) !== true;
    }
    if (this.#takes("-")) {
      const inner = this.#unary();
      return (entry) => {
        const number = numberOf(inner(entry));
        return number === undefined ? undefined : -number;
      };
    }
    return this.#member(this.#primary());
  }

  #member(of: Expression): Expression {
    let value = of;
    for (;;) {
      const before = value;
      if (this.#takes("?.") || this.#takes(".")) {
        const { kind, text } = this.#piece;
        if (kind !== "name") throw this.#unexpected();
        this.#next++;
        value = (entry) => itemOf(before(entry), text);
      } else if (this.#takes("[")) {
        const key = this.whole();
        this.#expect("]");
        value = (entry) => itemOf(before(entry), key(entry));
      } else return value;
    }
  }

  #primary(): Expression {
    const { kind, text } = this.#piece;
    if (kind === "number" || kind === "string") {
      this.#next++;
      const constant = kind === "number" ? Number(text) : text;
      return () => constant;
    }
    if (this.#takes("(")) {
      const inner = this.whole();
      this.#expect(")");
      return inner;
    }
    if (this.#takes("[")) {
      const items = this.#list("]");
      return (entry) => items.map((item) => item(entry));
    }
    if (kind !== "name") throw this.#unexpected();
    return this.#named(text);
  }

  #named(name: string): Expression {
    const { at } = this.#piece;
    this.#next++;
    if (Object.hasOwn(CONSTANTS, name)) return () => CONSTANTS[name];
    if (this.#takes("(")) {
      const of = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
      if (of === undefined) throw new SyntaxError(`there is no function ${name}`);
      const values = this.#list(")");
      return (entry) => of(...values.map((value) => value(entry)));
    }
    if (Object.hasOwn(VARIABLES, name)) return VARIABLES[name]!;
    const known = Object.keys(VARIABLES).join(", ");
    throw new SyntaxError(`unknown name ${name} at position ${at + 1}; there are ${known}`);
  }

  #list(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#takes(end)) {
      if (items.length > 0) this.#expect(",");
      items.push(this.whole());
    }
    return items;
  }
}

function itemOf(value: AnyValue, key: AnyValue): AnyValue {
  if (Array.isArray(value)) {
    return typeof key === "number" ? value.at(key) : undefined;
  }
  if (typeof key !== "string" || !isAnyValueMap(value)) return undefined;
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
