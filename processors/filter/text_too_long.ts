/** Thrown for a text that no pattern may look at; its record is then withheld. */
export class TextTooLong extends Error {
  constructor() {
    super("a text is longer than max_match_length");
  }
}
