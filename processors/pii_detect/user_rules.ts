/**
 * A user's own patterns. They run only where their literal occurs, and only if V8 can execute them
 * in linear time: a pattern that needs backtracking (look-ahead, back-references, repetitions of
 * thousands) is refused, because one line made for it could stop the agent.
 */
import v8 from "node:v8";
import { isLuhn, isMod97 } from "./checksums.ts";
import type { Rule } from "./config.ts";
import { hasContext } from "./context.ts";
import type { Scanner } from "./scanner.ts";

/** More matches in one value are no rule's intention. */
const MATCHES_MAX = 10_000;

let linearEngineEnabled = false;

/**
 * Compiles `pattern` for global search. Runs on V8's ordinary engine, which after 50,000 steps back
 * hands over to the linear one. Throws a SyntaxError for what either engine cannot execute.
 */
export function linearRegExp(pattern: string): RegExp {
  if (!linearEngineEnabled) {
    v8.setFlagsFromString("--enable-experimental-regexp-engine");
    v8.setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
    linearEngineEnabled = true;
  }
  // The flag `l` asks for the linear engine alone: it compiles, so handing over is possible.
  new RegExp(pattern, "l").test("");
  return new RegExp(pattern, "g");
}

interface CompiledRule extends Rule {
  readonly regExp: RegExp;
}

/** Reports the matches of all rules in the text that the scanner has just scanned. */
export type RunRules = (scanner: Scanner, text: string) => void;

export function compileRules(rules: readonly Rule[]): RunRules | undefined {
  if (rules.length === 0) return undefined;
  const compiled = rules.map(
    (rule): CompiledRule => ({ ...rule, regExp: linearRegExp(rule.pattern) }),
  );
  return (scanner, text) => {
    for (const rule of compiled) {
      if (rule.literal === undefined || text.includes(rule.literal)) run(rule, scanner, text);
    }
  };
}

/** Throws when the rule matches too often: the value is then withheld. */
function run(rule: CompiledRule, scanner: Scanner, text: string): void {
  rule.regExp.lastIndex = 0;
  for (let matches = 0; ; matches++) {
    const match = rule.regExp.exec(text);
    if (match === null) return;
    if (matches >= MATCHES_MAX) throw new Error("a rule matches too often in one value");
    const [value] = match;
    const end = match.index + value.length;
    if (value === "") rule.regExp.lastIndex++;
    else if (isValid(rule, value) && isInContext(rule, scanner, text, match.index, end)) {
      scanner.add(rule.entity, match.index, end, rule.score);
    }
  }
}

function isValid(rule: Rule, value: string): boolean {
  if (rule.validator === undefined) return true;
  const characters = value.replace(/[^A-Za-z0-9]/g, "");
  return rule.validator === "luhn" ? isLuhn(characters) : isMod97(characters);
}

function isInContext(
  rule: Rule,
  scanner: Scanner,
  text: string,
  start: number,
  end: number,
): boolean {
  if (rule.context === undefined) return true;
  return hasContext(text, start, end, scanner.key, rule.context);
}
