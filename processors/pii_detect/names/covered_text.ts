/**
 * A text in which everything that is found already, or that a token or redaction stands for, is one
 * character. So a second detector, which sees tokens where the first one saw values, reads the very
 * same text, and comes to the same end.
 */
import { ScannedText } from "../scanned_text.ts";
import type { Scanner } from "../scanner.ts";
import { COVER } from "./words.ts";

export class CoveredText {
  readonly text = new ScannedText();
  /** Starts and ends, in turn, of what is covered in the whole text; they rise. */
  readonly #ranges: number[] = [];
  /** Ranges before the last place that was asked for, and by how much the text is shorter there. */
  #passed = 0;
  #shift = 0;

  /** Takes the text that `scanner` has scanned, with its marks and its spans, which it settles. */
  set(scanner: Scanner): void {
    const { spans, marks, text } = scanner;
    spans.settle();
    this.#ranges.length = 0;
    this.#passed = 0;
    this.#shift = 0;
    let span = 0;
    let mark = 0;
    while (span < spans.count || mark < marks.length) {
      const isSpan =
        mark >= marks.length || (span < spans.count && spans.start(span) < marks[mark]!);
      this.#cover(
        isSpan ? spans.start(span) : marks[mark]!,
        isSpan ? spans.end(span) : marks[mark + 1]!,
      );
      if (isSpan) span++;
      else mark += 2;
    }
    this.text.set(this.#ranges.length === 0 ? text.string : this.#shortened(text.string));
  }

  /**
   * Where the place `index` of the covered text is in the whole one, seen from its left. To be
   * asked for rising places, so that all answers take one walk.
   */
  wholeIndex(index: number): number {
    while (this.#passed < this.#ranges.length) {
      const start = this.#ranges[this.#passed]!;
      if (start - this.#shift >= index) break;
      this.#shift += this.#ranges[this.#passed + 1]! - start - COVER.length;
      this.#passed += 2;
    }
    return index + this.#shift;
  }

  #cover(start: number, end: number): void {
    const last = this.#ranges.length - 1;
    if (last > 0 && start < this.#ranges[last]!) {
      this.#ranges[last] = Math.max(end, this.#ranges[last]!);
    } else this.#ranges.push(start, end);
  }

  #shortened(whole: string): string {
    let text = "";
    let copied = 0;
    for (let at = 0; at < this.#ranges.length; at += 2) {
      text += whole.slice(copied, this.#ranges[at]) + COVER;
      copied = this.#ranges[at + 1]!;
    }
    return text + whole.slice(copied);
  }
}
