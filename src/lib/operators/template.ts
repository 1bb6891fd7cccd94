/** Texts with expressions in them: `EXPR(...)` stands for its value. */
import type { AnyValue } from "../../data/any_value.ts";
import type { Expression } from "./expression.ts";
import { compileExpression } from "./expression.ts";
import { textOf } from "./expression_value.ts";

const BEGIN = "EXPR(";

/** Text, and expressions in their places. */
type Part = string | Expression;

/** A text that is one expression gives its value, whatever that is; others give a text. */
export function compileTemplate(text: string): Expression {
  const parts = partsOf(text);
  const [only] = parts;
  if (parts.length === 1 && typeof only === "function") return only;
  return (entry): AnyValue =>
    parts.map((part) => (typeof part === "string" ? part : textOf(part(entry)))).join("");
}

/** The message of what is wrong with an expression in the text, or undefined. */
export function templateError(text: string): string | undefined {
  try {
    partsOf(text);
    return undefined;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}

/** @throws SyntaxError */
function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (;;) {
    const begin = text.indexOf(BEGIN, at);
    if (begin < 0) break;
    if (begin > at) parts.push(text.slice(at, begin));
    const { expression, end } = expressionAt(text, begin + BEGIN.length);
    parts.push(expression);
    at = end + 1;
  }
  if (at < text.length || parts.length === 0) parts.push(text.slice(at));
  return parts;
}

/** The shortest text up to a parenthesis that is an expression: it may hold parentheses itself. */
function expressionAt(text: string, begin: number): { expression: Expression; end: number } {
  let problem: unknown = new SyntaxError("EXPR( has no closing parenthesis");
  for (let end = text.indexOf(")", begin); end >= 0; end = text.indexOf(")", end + 1)) {
    try {
      return { expression: compileExpression(text.slice(begin, end)), end };
    } catch (error) {
      problem = error;
    }
  }
  throw problem;
}
