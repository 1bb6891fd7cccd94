/** The blocks of one zone that are still there, with what the log says of each. */
import type { BlockEntry } from "../format/entry.ts";
import type { Recipients } from "../format/recipients.ts";
import { advanceRecipients } from "../format/recipients.ts";
import type { Redaction, Redactions } from "./open_redacted.ts";
import { addRedaction } from "./open_redacted.ts";
import { readSignedEntries } from "./read_state.ts";

export interface LoggedBlock {
  /** Of its entry. */
  readonly index: number;
  readonly entry: BlockEntry;
  /** Age public keys of the zone when the block was sealed. */
  readonly recipients: readonly string[];
  readonly redaction: Redaction | undefined;
}

/** Throws `archive.tampered` and `archive.unreadable`. */
export async function readBlocks(archive: string, zone: string): Promise<LoggedBlock[]> {
  const blocks: Omit<LoggedBlock, "redaction">[] = [];
  const recipients: Recipients = new Map();
  const redactions: Redactions = new Map();
  const deleted = new Set<string>();
  for await (const { index, entry } of readSignedEntries(archive)) {
    advanceRecipients(recipients, entry);
    if (entry.type === "redact") addRedaction(redactions, entry);
    if (entry.type === "retain" && entry.zone === zone) deleted.add(entry.seg);
    if (entry.type === "block" && entry.zone === zone) {
      blocks.push({ index, entry, recipients: recipients.get(zone) ?? [] });
    }
  }
  return blocks
    .filter(({ entry }) => !deleted.has(entry.seg))
    .map((block) => ({ ...block, redaction: redactions.get(block.index) }));
}
