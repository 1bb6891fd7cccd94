/**
 * Is each block sealed for as many readers as the log names? Whom a stanza is for cannot be seen, and
 * that is age's promise; how many there are can.
 */
import type { BlockEntry, Entry } from "../format/entry.ts";
import type { Recipients } from "../format/recipients.ts";
import { advanceRecipients } from "../format/recipients.ts";
import type { Report } from "./finding.ts";

/** Longer than the header of an age file with the most recipients that a zone may have. */
const HEADER_BYTES_MAX = 4096;

export class RecipientsCheck {
  readonly #report: Report;
  readonly #zones: Recipients = new Map();

  constructor(report: Report) {
    this.#report = report;
  }

  take(entry: Entry): void {
    advanceRecipients(this.#zones, entry);
  }

  /** `bytes` are those that the entry names. */
  checkBlock(bytes: Buffer, { zone, seg, off, seq }: BlockEntry, index: number): void {
    const named = this.#zones.get(zone)?.length ?? 0;
    const found = stanzaCount(bytes);
    if (found === named) return;
    const place = { file: `blocks/${zone}/${seg}.blk`, zone, segment: seg, entry: index };
    const reason = `the block is sealed for ${found} recipients, the log names ${named}`;
    this.#report({ kind: "block", ...place, offset: off, record: seq[0], reason });
  }
}

/** age-encryption.org/v1: a stanza begins with `-> ` on a line of its own, `---` ends them all. */
function stanzaCount(file: Buffer): number {
  const header = file.subarray(0, HEADER_BYTES_MAX).toString("latin1");
  const end = header.indexOf("\n---");
  return end < 0 ? 0 : header.slice(0, end).split("\n-> ").length - 1;
}
