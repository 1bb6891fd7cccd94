/**
 * What a verifier keeps of the records of one chain: rows of {@link ROW_BYTES} bytes in pages, so
 * that a million records take 128 MB and no objects.
 */
import type { IntegrityMarks } from "./integrity_marks.ts";
import type { StatementTexts } from "./statement.ts";
import { NO_STATEMENTS } from "./statement.ts";

/** Where a record stands in the input; both counted from 1. */
export interface RecordPlace {
  readonly line: number;
  readonly record: number;
}

const ROW_BYTES = 128;
const PAGE_ROWS = 8192;
const DIGEST = 0;
const TAG = 32;
const PREVIOUS = 64;
const SEQUENCE = 96;
const STEP = 104;
const RUN = 112;
const LINE = 116;
const RECORD = 120;
const HAS_PREVIOUS = 124;
const IS_GENUINE = 125;
const VALUE_BYTES = 32;

export class RecordTable {
  readonly #pages: Buffer[] = [];
  readonly #statements = new Map<number, StatementTexts>();
  #length = 0;
  #isSorted = true;

  get length(): number {
    return this.#length;
  }

  /** `digest`: 32 bytes as latin1 text. */
  add(marks: IntegrityMarks, digest: string, place: RecordPlace): void {
    const row = this.#length++;
    if (row % PAGE_ROWS === 0) this.#pages.push(Buffer.alloc(PAGE_ROWS * ROW_BYTES));
    const [page, at] = this.#at(row);
    page.write(digest, at + DIGEST, "latin1");
    page.write(marks.tag, at + TAG, "base64");
    page.write(marks.previous, at + PREVIOUS, "base64");
    page.writeDoubleBE(marks.sequence, at + SEQUENCE);
    page.writeDoubleBE(marks.step, at + STEP);
    page.writeUInt32BE(marks.run, at + RUN);
    page.writeUInt32BE(place.line, at + LINE);
    page.writeUInt32BE(place.record, at + RECORD);
    page[at + HAS_PREVIOUS] = marks.previous === "" ? 0 : 1;
    if (marks.statements !== NO_STATEMENTS) this.#statements.set(row, marks.statements);
    if (row > 0 && this.sequence(row - 1) > marks.sequence) this.#isSorted = false;
  }

  digest(row: number): string {
    return this.#slice(row, DIGEST, "latin1");
  }

  tag(row: number): string {
    return this.#slice(row, TAG, "base64");
  }

  /** The value that the record says it continues; undefined where it says nothing. */
  previous(row: number): string | undefined {
    const [page, at] = this.#at(row);
    return page[at + HAS_PREVIOUS] === 1 ? this.#slice(row, PREVIOUS, "base64") : undefined;
  }

  sequence(row: number): number {
    const [page, at] = this.#at(row);
    return page.readDoubleBE(at + SEQUENCE);
  }

  run(row: number): number {
    const [page, at] = this.#at(row);
    return page.readUInt32BE(at + RUN);
  }

  step(row: number): number {
    const [page, at] = this.#at(row);
    return page.readDoubleBE(at + STEP);
  }

  place(row: number): RecordPlace {
    const [page, at] = this.#at(row);
    return { line: page.readUInt32BE(at + LINE), record: page.readUInt32BE(at + RECORD) };
  }

  statements(row: number): StatementTexts {
    return this.#statements.get(row) ?? NO_STATEMENTS;
  }

  isGenuine(row: number): boolean {
    const [page, at] = this.#at(row);
    return page[at + IS_GENUINE] === 1;
  }

  markGenuine(row: number): void {
    const [page, at] = this.#at(row);
    page[at + IS_GENUINE] = 1;
  }

  /** True when both rows say the same of the same record. */
  isSame(row: number, other: number): boolean {
    const [page, at] = this.#at(row);
    const [otherPage, otherAt] = this.#at(other);
    return (
      page.compare(otherPage, otherAt, otherAt + LINE, at, at + LINE) === 0 &&
      page[at + HAS_PREVIOUS] === otherPage[otherAt + HAS_PREVIOUS]
    );
  }

  /** Rows by sequence, those of one sequence in the order of the input. */
  inOrder(): Uint32Array {
    const rows = new Uint32Array(this.#length);
    const sequences = new Float64Array(this.#length);
    for (let row = 0; row < rows.length; row++) {
      rows[row] = row;
      sequences[row] = this.sequence(row);
    }
    if (!this.#isSorted) rows.sort((a, b) => sequences[a]! - sequences[b]! || a - b);
    return rows;
  }

  #at(row: number): [page: Buffer, offset: number] {
    return [this.#pages[Math.floor(row / PAGE_ROWS)]!, (row % PAGE_ROWS) * ROW_BYTES];
  }

  #slice(row: number, offset: number, encoding: "latin1" | "base64"): string {
    const [page, at] = this.#at(row);
    return page.toString(encoding, at + offset, at + offset + VALUE_BYTES);
  }
}
