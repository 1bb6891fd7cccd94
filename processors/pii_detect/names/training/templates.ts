/**
 * Sentences, letters, forms and log lines of our own, with places for what the model shall find.
 * `[a|b]` is a choice, `[a|]` may be left out; `{person}` and the like are filled in by `fill.ts`;
 * `\[` is a bracket, `\n` a line end. A line that begins with `#` is a comment.
 */
import { readFileSync } from "node:fs";

export const TRAINING = [
  "persons",
  "places",
  "plain",
  "any_words",
  "logs",
  "logs_with_names",
].flatMap(read);
/** Never trained on: they measure how far the model generalises. */
export const HELD_OUT = read("held_out");

function read(name: string): string[] {
  const file = new URL(`./templates/${name}.txt`, import.meta.url);
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

const CHOICE = /(?<!\\)\[((?:[^[\]\\]|\\.)*)(?<!\\)\]/;

/** How many different templates the choices of one line make. */
export function countVariants(template: string): number {
  let rest = template;
  let count = 1;
  for (let match = CHOICE.exec(rest); match !== null; match = CHOICE.exec(rest)) {
    count *= match[1]!.split("|").length;
    rest = rest.slice(0, match.index) + rest.slice(match.index + match[0].length);
  }
  return count;
}

/** Takes one way through the choices; `below(n)` gives a random number from 0 to n - 1. */
export function chooseVariant(template: string, below: (limit: number) => number): string {
  let text = template;
  for (let match = CHOICE.exec(text); match !== null; match = CHOICE.exec(text)) {
    const options = match[1]!.split("|");
    const chosen = options[below(options.length)]!;
    text = text.slice(0, match.index) + chosen + text.slice(match.index + match[0].length);
  }
  return text
    .replaceAll("\\n", "\n")
    .replaceAll("\\t", "\t")
    .replace(/\\([[\]])/g, "$1");
}
