/**
 * Token by token, as Microsoft's presidio-research counts: a token is right when it is personal and
 * was found, or neither. Tokens here are words and numbers; punctuation is not counted.
 */
export interface Span {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

export interface Figures {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly f2: number;
  /** Tokens that are personal. */
  readonly tokens: number;
}

export class Tally {
  right = 0;
  found = 0;
  there = 0;

  figures(): Figures {
    const precision = this.found === 0 ? 1 : this.right / this.found;
    const recall = this.there === 0 ? 1 : this.right / this.there;
    return {
      precision: rounded(precision),
      recall: rounded(recall),
      f1: rounded(fScore(precision, recall, 1)),
      f2: rounded(fScore(precision, recall, 2)),
      tokens: this.there,
    };
  }
}

export function fScore(precision: number, recall: number, beta: number): number {
  const weight = beta * beta;
  const sum = weight * precision + recall;
  return sum === 0 ? 0 : ((1 + weight) * precision * recall) / sum;
}

export function rounded(share: number): number {
  return Math.round(share * 1000) / 1000;
}

const TOKEN = /[\p{L}\p{M}]+|\d+/gu;

/** Calls back for each token with the type of the span that it lies in, if any, of both lists. */
export function compareTokens(
  text: string,
  marked: readonly Span[],
  found: readonly Span[],
  visit: (marked: string | undefined, found: string | undefined) => void,
): void {
  for (const match of text.matchAll(TOKEN)) {
    const start = match.index;
    const end = start + match[0].length;
    visit(typeAt(marked, start, end), typeAt(found, start, end));
  }
}

function typeAt(spans: readonly Span[], start: number, end: number): string | undefined {
  return spans.find((span) => span.start < end && start < span.end)?.type;
}
