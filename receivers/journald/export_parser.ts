/**
 * The Journal Export Format (systemd, "Journal File and Export Formats"): fields as `NAME=text`, or,
 * where a value is binary, `NAME`, its length in 8 bytes (little endian) and the bytes; an empty
 * line ends an entry.
 *
 * Invariant: each byte is looked at once, and of an entry no more is kept than the maximum.
 */
import { AgentError } from "../../src/component/errors.ts";
import { BoundedBuffer } from "../../src/lib/framing/bounded_buffer.ts";

export interface JournalEntry {
  /** In the order of the journal; a name may come several times. */
  readonly fields: readonly (readonly [name: string, value: Buffer])[];
  /** Values were cut, or fields left out, because there was too much. */
  readonly isCut: boolean;
}

/** Those of journald itself: ENTRY_FIELD_COUNT_MAX and the length of a name. */
const FIELDS_MAX = 1024;
const NAME_LENGTH_MAX = 64;
const LENGTH_BYTES = 8;
const LINE_FEED = 0x0a;
const EQUALS = 0x3d;

export class ExportParser {
  readonly #sizeMax: number;
  #state: "name" | "text" | "length" | "binary" | "feed" = "name";
  readonly #kept = new BoundedBuffer();
  #name = "";
  /** Bytes to come of a binary value. */
  #remaining = 0;
  #fields: (readonly [string, Buffer])[] = [];
  #size = 0;
  #isCut = false;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /**
   * The entries that end in this piece.
   * @throws AgentError `journald.malformed`; the parser is of no use then.
   */
  push(piece: Buffer): JournalEntry[] {
    const entries: JournalEntry[] = [];
    let at = 0;
    while (at < piece.length) {
      switch (this.#state) {
        case "name":
          at = this.#readName(piece, at, entries);
          break;
        case "text":
          at = this.#readText(piece, at);
          break;
        case "length":
          at = this.#readLength(piece, at);
          break;
        case "binary":
          at = this.#readBinary(piece, at);
          break;
        case "feed":
          if (piece[at] !== LINE_FEED)
            throw malformed("a binary value does not end with a line feed");
          this.#state = "name";
          at++;
      }
    }
    return entries;
  }

  #readName(piece: Buffer, start: number, entries: JournalEntry[]): number {
    let at = start;
    while (at < piece.length && piece[at] !== EQUALS && piece[at] !== LINE_FEED) at++;
    this.#kept.append(piece.subarray(start, at), NAME_LENGTH_MAX + 1);
    if (this.#kept.size > NAME_LENGTH_MAX) throw malformed("a field has a name that is too long");
    if (at === piece.length) return at;
    const name = this.#kept.take().bytes.toString("latin1");
    if (name === "" && piece[at] === LINE_FEED) this.#finishEntry(entries);
    else if (!/^[A-Z0-9_]+$/.test(name)) throw malformed("a field has a name that is none");
    else {
      this.#name = name;
      this.#state = piece[at] === EQUALS ? "text" : "length";
    }
    return at + 1;
  }

  #readText(piece: Buffer, at: number): number {
    const end = piece.indexOf(LINE_FEED, at);
    this.#keep(piece.subarray(at, end < 0 ? piece.length : end));
    if (end < 0) return piece.length;
    this.#finishField();
    this.#state = "name";
    return end + 1;
  }

  #readLength(piece: Buffer, at: number): number {
    const end = Math.min(piece.length, at + LENGTH_BYTES - this.#kept.size);
    this.#kept.append(piece.subarray(at, end), LENGTH_BYTES);
    if (this.#kept.size < LENGTH_BYTES) return end;
    const length = this.#kept.take().bytes.readBigUInt64LE();
    if (length > Number.MAX_SAFE_INTEGER) throw malformed("a binary value has no possible length");
    this.#remaining = Number(length);
    if (this.#remaining > 0) this.#state = "binary";
    else this.#finishBinary();
    return end;
  }

  #readBinary(piece: Buffer, at: number): number {
    const end = Math.min(piece.length, at + this.#remaining);
    this.#keep(piece.subarray(at, end));
    this.#remaining -= end - at;
    if (this.#remaining === 0) this.#finishBinary();
    return end;
  }

  #finishBinary(): void {
    this.#finishField();
    this.#state = "feed";
  }

  #keep(bytes: Buffer): void {
    this.#kept.append(bytes, Math.max(0, this.#sizeMax - this.#size));
  }

  #finishField(): void {
    const { bytes, isCut } = this.#kept.take();
    this.#size += this.#name.length + bytes.length;
    const fits = this.#fields.length < FIELDS_MAX;
    if (isCut || !fits) this.#isCut = true;
    if (fits) this.#fields.push([this.#name, bytes]);
  }

  #finishEntry(entries: JournalEntry[]): void {
    if (this.#fields.length > 0) entries.push({ fields: this.#fields, isCut: this.#isCut });
    this.#fields = [];
    this.#size = 0;
    this.#isCut = false;
  }
}

function malformed(problem: string): AgentError {
  return new AgentError("journald.malformed", `the output of journalctl is malformed: ${problem}`);
}
