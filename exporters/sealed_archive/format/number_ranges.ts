/** Record numbers as ranges, in rising order and apart: `5,17-19`. */
export type NumberRange = readonly [first: number, last: number];

/** Undefined when the text is no such list. */
export function parseNumberRanges(text: string): NumberRange[] | undefined {
  const ranges: NumberRange[] = [];
  for (const part of text.split(",")) {
    const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || first <= (ranges.at(-1)?.[1] ?? -1)) return undefined;
    ranges.push([first, last]);
  }
  return ranges;
}

export function formatNumberRanges(ranges: readonly NumberRange[]): string {
  return ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(",");
}

export function holdsNumber(ranges: readonly NumberRange[], number: number): boolean {
  return ranges.some(([first, last]) => first <= number && number <= last);
}

/** Is each number of the second in the first? */
export function holdsRanges(outer: readonly NumberRange[], inner: readonly NumberRange[]): boolean {
  return inner.every(([first, last]) =>
    outer.some(([outerFirst, outerLast]) => outerFirst <= first && last <= outerLast),
  );
}

/** The ranges of numbers in rising order. */
export function toNumberRanges(numbers: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const newest = ranges.at(-1);
    if (newest?.[1] === number - 1) newest[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

/** In rising order, with those made one that overlap or touch. */
export function mergeNumberRanges(ranges: readonly NumberRange[]): NumberRange[] {
  const merged: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const newest = merged.at(-1);
    if (newest === undefined || first > newest[1] + 1) merged.push([first, last]);
    else newest[1] = Math.max(newest[1], last);
  }
  return merged;
}
