/**
 * Compiles a condition in OTTL, such as
 * `severity_number < SEVERITY_NUMBER_WARN and not IsMatch(body, "^audit")`.
 *
 *     or         = and { "or" and }
 *     and        = not { "and" not }
 *     not        = "not" not | "(" or ")" | comparison
 *     comparison = value [ ("==" | "!=" | "<" | "<=" | ">" | ">=") value ]
 *     value      = text | number | "true" | "false" | "nil" | severity
 *                | (path | function "(" [ value { "," value } ] ")") { "[" (text | index) "]" }
 *
 * Invariant: what is not understood is refused with its column; nothing is guessed.
 */
import type { AnyValue } from "../../../src/data/any_value.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import { severityNumberOf } from "../../../src/data/severity.ts";
import type { Operator } from "./compare.ts";
import { compare } from "./compare.ts";
import type { Operand } from "./functions.ts";
import { OTTL_FUNCTIONS } from "./functions.ts";
import type { Context, Get } from "./paths.ts";
import { below, knownPaths, pathOf } from "./paths.ts";
import type { Token, TokenKind } from "./tokens.ts";
import { tokensOf } from "./tokens.ts";

export type Condition = (record: LogRecord) => boolean;

const LENGTH_MAX = 4096;
const DEPTH_MAX = 64;
const CONSTANTS: ReadonlyMap<string, AnyValue> = new Map<string, AnyValue>([
  ["true", true],
  ["false", false],
  ["nil", null],
]);

/** Throws a `SyntaxError`. `lengthMax`: UTF-16 units of a text that a pattern looks at. */
export function compileCondition(source: string, context: Context, lengthMax: number): Condition {
  if (source.length > LENGTH_MAX) {
    throw new SyntaxError(`it has more than ${LENGTH_MAX} characters`);
  }
  return new Parser(tokensOf(source), context, lengthMax).whole();
}

interface Value extends Operand {
  /** True when it can stand alone: a function that tests, `true` and `false`. */
  readonly isCondition: boolean;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #context: Context;
  readonly #lengthMax: number;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], context: Context, lengthMax: number) {
    this.#tokens = tokens;
    this.#context = context;
    this.#lengthMax = lengthMax;
  }

  whole(): Condition {
    const condition = this.#or();
    if (this.#next.kind !== "end") throw this.#unexpected("and, or, or the end");
    return condition;
  }

  #or(): Condition {
    const parts = [this.#and()];
    while (this.#take("name", "or")) parts.push(this.#and());
    return parts.length === 1 ? parts[0]! : (record) => parts.some((part) => part(record));
  }

  #and(): Condition {
    const parts = [this.#not()];
    while (this.#take("name", "and")) parts.push(this.#not());
    return parts.length === 1 ? parts[0]! : (record) => parts.every((part) => part(record));
  }

  #not(): Condition {
    return this.#nested(() => {
      if (this.#take("name", "not")) {
        const inner = this.#not();
        return (record) => !inner(record);
      }
      if (!this.#take("mark", "(")) return this.#comparison();
      const inner = this.#or();
      this.#expect("mark", ")");
      return inner;
    });
  }

  #comparison(): Condition {
    const left = this.#value();
    const token = this.#next;
    if (token.kind !== "operator") {
      if (!left.isCondition) throw this.#unexpected("a comparison such as ==");
      return (record) => left.get(record) === true;
    }
    this.#at++;
    const operator = token.text as Operator;
    const right = this.#value();
    return (record) => compare(operator, left.get(record), right.get(record));
  }

  #value(): Value {
    const token = this.#next;
    if (token.kind === "string") return this.#constant(token.text);
    if (token.kind === "float") return this.#constant(Number(token.text));
    if (token.kind === "int") {
      const number = Number(token.text);
      return this.#constant(Number.isSafeInteger(number) ? number : BigInt(token.text));
    }
    if (token.kind !== "name") throw this.#unexpected("a value");
    if (CONSTANTS.has(token.text)) return this.#constant(CONSTANTS.get(token.text)!);
    if (token.text.startsWith("SEVERITY_NUMBER_")) return this.#severity(token);
    const isCall = this.#tokens[this.#at + 1]?.text === "(" && /^[A-Z]/.test(token.text);
    const { get, isCondition } = isCall ? this.#call() : { get: this.#path(), isCondition: false };
    const keys = this.#keys();
    if (keys.length === 0) return { get, isCondition };
    return { get: (record) => keys.reduce(below, get(record)), isCondition: false };
  }

  #constant(constant: AnyValue): Value {
    this.#at++;
    return { get: () => constant, constant, isCondition: typeof constant === "boolean" };
  }

  #severity({ text, column }: Token): Value {
    const name = text.slice("SEVERITY_NUMBER_".length);
    const number = name === "UNSPECIFIED" ? 0 : severityNumberOf(name);
    if (number === undefined || /^\d/.test(name)) {
      throw new SyntaxError(`column ${column}: there is no severity ${text}`);
    }
    return this.#constant(number);
  }

  #call(): { readonly get: Get; readonly isCondition: boolean } {
    const { text, column } = this.#next;
    const known = Object.hasOwn(OTTL_FUNCTIONS, text) ? OTTL_FUNCTIONS[text] : undefined;
    if (known === undefined) {
      const names = Object.keys(OTTL_FUNCTIONS).join(", ");
      throw new SyntaxError(`column ${column}: no function ${text} here; there are ${names}`);
    }
    this.#at += 2;
    const operands = this.#nested(() => this.#operands());
    if (operands.length !== known.arguments) {
      throw new SyntaxError(`column ${column}: ${text} takes ${known.arguments} values`);
    }
    try {
      return { get: known.make(operands, this.#lengthMax), isCondition: known.isCondition };
    } catch (error) {
      throw new SyntaxError(`column ${column}: ${(error as Error).message}`);
    }
  }

  #operands(): Value[] {
    const operands: Value[] = [];
    if (this.#take("mark", ")")) return operands;
    do operands.push(this.#value());
    while (this.#take("mark", ","));
    this.#expect("mark", ")");
    return operands;
  }

  #path(): Get {
    const { column } = this.#next;
    const words = [this.#expect("name")];
    while (this.#take("mark", ".")) words.push(this.#expect("name"));
    const get = pathOf(words, this.#context);
    if (get !== undefined) return get;
    const known = knownPaths(this.#context);
    throw new SyntaxError(`column ${column}: no path ${words.join(".")} here; there are ${known}`);
  }

  #keys(): (string | number)[] {
    const keys: (string | number)[] = [];
    while (this.#take("mark", "[")) {
      const { kind, text } = this.#next;
      if (kind !== "string" && kind !== "int") throw this.#unexpected("a key or an index");
      this.#at++;
      keys.push(kind === "string" ? text : Number(text));
      this.#expect("mark", "]");
    }
    return keys;
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #take(kind: TokenKind, text: string): boolean {
    const { kind: nextKind, text: nextText } = this.#next;
    if (nextKind !== kind || nextText !== text) return false;
    this.#at++;
    return true;
  }

  #expect(kind: TokenKind, text?: string): string {
    const token = this.#next;
    if (token.kind !== kind || (text !== undefined && token.text !== text)) {
      throw this.#unexpected(text ?? `a ${kind}`);
    }
    this.#at++;
    return token.text;
  }

  #nested<Result>(parse: () => Result): Result {
    if (++this.#depth > DEPTH_MAX) throw new SyntaxError(`it is nested deeper than ${DEPTH_MAX}`);
    const result = parse();
    this.#depth--;
    return result;
  }

  #unexpected(expected: string): SyntaxError {
    const { text, column } = this.#next;
    return new SyntaxError(`column ${column}: expected ${expected}, got ${text}`);
  }
}
