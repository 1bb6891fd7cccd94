/** Operators that put something in the place of a value: `unquote`, `assign_keys`, and others. */
import type { AnyValue, AnyValueMap } from "../../data/any_value.ts";
import { isAnyValueMap, setOwn } from "../../data/any_value.ts";
import type { ChangeConfig, RegexReplaceConfig } from "./config.ts";
import { checkedField, readField, removeField, writeField } from "./field.ts";
import { compileGoRegex } from "./go_regex.ts";
import type { Entry, Operator, OperatorContext } from "./operator.ts";
import { REGEX_INPUT_CHARACTERS_MAX } from "./operator.ts";
import { stepOperator } from "./parser.ts";

/** ECMA-48: control sequences, operating system commands and other escapes of terminals. */
const ANSI_CONTROL_SEQUENCES = new RegExp(
  [
    String.raw`(?:\x1B\[|\x9B)[0-?]*[ -/]*[@-~]`,
    String.raw`\x1B\][^\x07\x1B]*(?:\x07|\x1B\\)`,
    String.raw`\x1B[ -/]*[0-~]`,
  ].join("|"),
  "g",
);
/** The escapes of a Go string literal. */
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gs;
const SHORT: Readonly<Record<string, string>> = {
  ...{ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
  ...{ "\\": "\\", '"': '"' },
};

export function changeOperator(config: ChangeConfig, context: OperatorContext): Operator {
  const field = checkedField(config.field);
  if (config.type === "flatten") {
    return stepOperator(config, context, (entry) => flatten(entry, config.field));
  }
  const change = changeOf(config);
  return stepOperator(config, context, (entry) => {
    const value = change(readField(entry, field));
    if (value === undefined) return false;
    writeField(entry, field, value);
    return true;
  });
}

/** Gives undefined for a value that cannot be changed so. */
function changeOf(
  config: Exclude<ChangeConfig, { type: "flatten" }>,
): (value: AnyValue) => AnyValue {
  switch (config.type) {
    case "unquote":
      return (value) => (typeof value === "string" ? unquote(value) : undefined);
    case "sanitize_utf8":
      return (value) => {
        if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
        return typeof value === "string" ? value.toWellFormed() : undefined;
      };
    case "assign_keys":
      return (value) => assignKeys(value, config.keys);
    case "regex_replace":
      return regexReplace(config);
  }
}

function assignKeys(value: AnyValue, keys: readonly string[]): AnyValueMap | undefined {
  if (!Array.isArray(value) || value.length !== keys.length) return undefined;
  const fields: AnyValueMap = {};
  keys.forEach((key, index) => {
    setOwn(fields, key, value[index]);
  });
  return fields;
}

/** As Go's strconv.Unquote; undefined for a text that is no literal of Go. */
export function unquote(text: string): string | undefined {
  const quote = text[0];
  const inner = text.slice(1, -1);
  if (text.length < 2 || text.at(-1) !== quote) return undefined;
  if (quote === "`") return inner.includes("`") ? undefined : inner.replaceAll("\r", "");
  if (quote !== '"' && quote !== "'") return undefined;
  let isValid = !inner.includes("\n");
  const plain = inner.replace(ESCAPE, (_, x, u, big, octal, letter: string | undefined) => {
    if (letter !== undefined) {
      const short = letter === "'" && quote === "'" ? "'" : SHORT[letter];
      if (short === undefined || (letter === '"' && quote === "'")) isValid = false;
      return short ?? "";
    }
    const code =
      octal === undefined ? Number.parseInt(x ?? u ?? big, 16) : Number.parseInt(octal, 8);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) isValid = false;
    return isValid ? String.fromCodePoint(code) : "";
  });
  if (inner.replace(ESCAPE, "").match(/["\\]/) !== null && quote === '"') isValid = false;
  if (quote === "'" && [...plain].length !== 1) isValid = false;
  return isValid ? plain : undefined;
}

function regexReplace(config: RegexReplaceConfig): (value: AnyValue) => AnyValue {
  const { regex, replace_with: replacement } = config;
  const pattern = regex === undefined ? ANSI_CONTROL_SEQUENCES : compileGoRegex(regex, "g");
  return (value) => {
    if (typeof value !== "string" || value.length > REGEX_INPUT_CHARACTERS_MAX) return undefined;
    return value.replace(pattern, (...match: unknown[]) => expand(replacement, match));
  };
}

/** As Go's Regexp.Expand: `$1`, `$name`, `${name}`, `$$`; a group that is not there is empty. */
function expand(template: string, match: readonly unknown[]): string {
  const last = match.at(-1);
  const groups = typeof last === "object" ? (last as Record<string, string | undefined>) : {};
  return template.replace(
    /\$(?:(\$)|\{(\w+)\}|(\w+))/g,
    (_, dollar: string | undefined, braced: string | undefined, bare: string | undefined) => {
      if (dollar !== undefined) return "$";
      const name = braced ?? bare!;
      if (!/^\d+$/.test(name)) return groups[name] ?? "";
      const group = match[Number(name)];
      return typeof group === "string" ? group : "";
    },
  );
}

/** The entries of a map, in its place. */
function flatten(entry: Entry, text: string): boolean {
  const { root, keys } = checkedField(text);
  const map = readField(entry, { root, keys });
  if (keys.length === 0 || !isAnyValueMap(map)) return false;
  removeField(entry, { root, keys });
  for (const [key, value] of Object.entries(map)) {
    writeField(entry, { root, keys: [...keys.slice(0, -1), key] }, value);
  }
  return true;
}
