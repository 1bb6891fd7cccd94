/**
 * Layouts of time stamps. `strptime` directives (as the Collector reads them) and Go's reference
 * time both compile to one list of parts, and one small machine matches the list against a text.
 */

export type NumberPart =
  | "year"
  | "year2"
  | "month"
  | "day"
  | "hour"
  | "hour12"
  | "minute"
  | "second"
  | "fraction";

export type LayoutPart =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "number"; readonly name: NumberPart; readonly min: number }
  | { readonly kind: "month_name" | "weekday" | "half_day" | "offset" | "zone" };

/** A number of a fixed width has `min` digits; `min` 1 also takes a padding space. */
const digits = (name: NumberPart, min: number): LayoutPart => ({ kind: "number", name, min });
const MONTH_NAME: LayoutPart = { kind: "month_name" };
const WEEKDAY: LayoutPart = { kind: "weekday" };
const HALF_DAY: LayoutPart = { kind: "half_day" };
const OFFSET: LayoutPart = { kind: "offset" };
const ZONE: LayoutPart = { kind: "zone" };
const FRACTION = digits("fraction", 1);

const DIRECTIVES: Readonly<Record<string, LayoutPart | string>> = {
  Y: digits("year", 4),
  y: digits("year2", 2),
  m: digits("month", 2),
  o: digits("month", 1),
  q: digits("month", 1),
  b: MONTH_NAME,
  h: MONTH_NAME,
  B: MONTH_NAME,
  d: digits("day", 2),
  e: digits("day", 1),
  g: digits("day", 1),
  a: WEEKDAY,
  A: WEEKDAY,
  H: digits("hour", 2),
  I: digits("hour12", 1),
  l: digits("hour12", 1),
  p: HALF_DAY,
  P: HALF_DAY,
  M: digits("minute", 2),
  S: digits("second", 2),
  L: FRACTION,
  f: FRACTION,
  s: FRACTION,
  Z: ZONE,
  z: OFFSET,
  i: OFFSET,
  j: OFFSET,
  k: OFFSET,
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  T: "%H:%M:%S",
  r: "%l:%M:%S %p",
  c: "%a %b %d %H:%M:%S %Y",
  R: "%H:%M",
};
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", "%": "%" };

/** Longest first, because a shorter element is often the beginning of a longer one. */
const GO_ELEMENTS: readonly (readonly [string, LayoutPart])[] = [
  ["Z07:00:00", OFFSET],
  ["-07:00:00", OFFSET],
  ["January", MONTH_NAME],
  ["Z070000", OFFSET],
  ["-070000", OFFSET],
  ["Monday", WEEKDAY],
  ["Z07:00", OFFSET],
  ["-07:00", OFFSET],
  ["Z0700", OFFSET],
  ["-0700", OFFSET],
  ["2006", digits("year", 4)],
  ["Z07", OFFSET],
  ["-07", OFFSET],
  ["Jan", MONTH_NAME],
  ["Mon", WEEKDAY],
  ["MST", ZONE],
  ["01", digits("month", 2)],
  ["02", digits("day", 2)],
  ["_2", digits("day", 1)],
  ["15", digits("hour", 2)],
  ["03", digits("hour12", 2)],
  ["04", digits("minute", 2)],
  ["05", digits("second", 2)],
  ["06", digits("year2", 2)],
  ["PM", HALF_DAY],
  ["pm", HALF_DAY],
  ["1", digits("month", 1)],
  ["2", digits("day", 1)],
  ["3", digits("hour12", 1)],
  ["4", digits("minute", 1)],
  ["5", digits("second", 1)],
];
const GO_FRACTION = /([.,])(0+|9+)(?!\d)/y;

/** The parts, or undefined when the layout has a directive that does not exist. */
export function compileStrptime(layout: string): LayoutPart[] | undefined {
  const parts: LayoutPart[] = [];
  for (let index = 0; index < layout.length; index++) {
    if (layout[index] !== "%") {
      addLiteral(parts, layout[index]!);
      continue;
    }
    const name = layout[++index] ?? "";
    const character = ESCAPES[name];
    if (character !== undefined) {
      addLiteral(parts, character);
      continue;
    }
    const directive = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined;
    if (directive === undefined) return undefined;
    if (typeof directive === "string") parts.push(...compileStrptime(directive)!);
    else parts.push(directive);
  }
  return parts;
}

/** Go's reference time has no invalid form: what is no element stands for itself. */
export function compileGoTime(layout: string): LayoutPart[] {
  const parts: LayoutPart[] = [];
  let index = 0;
  while (index < layout.length) {
    GO_FRACTION.lastIndex = index;
    const fraction = GO_FRACTION.exec(layout);
    if (fraction !== null) {
      addLiteral(parts, fraction[1]!);
      parts.push(FRACTION);
      index += fraction[0].length;
      continue;
    }
    const element = GO_ELEMENTS.find(([text]) => layout.startsWith(text, index));
    if (element === undefined) addLiteral(parts, layout[index]!);
    else parts.push(element[1]);
    index += element === undefined ? 1 : element[0].length;
  }
  return parts;
}

function addLiteral(parts: LayoutPart[], text: string): void {
  const last = parts.at(-1);
  if (last?.kind === "literal") parts[parts.length - 1] = { ...last, text: last.text + text };
  else parts.push({ kind: "literal", text });
}
