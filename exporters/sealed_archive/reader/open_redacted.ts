/**
 * Opens what stands in the place of a redacted block, and checks that nothing but the erased records
 * is missing.
 *
 * Invariant: items are handed out only when the file has the hash of the entry that put it there, and
 * its leaves have the root that the block's own entry has.
 */
import { join } from "node:path";
import type { Decrypter } from "age-encryption";
import type { BlockEntry, RedactEntry } from "../format/entry.ts";
import { sha256 } from "../format/merkle.ts";
import type { NumberRange } from "../format/number_ranges.ts";
import { holdsNumber, mergeNumberRanges } from "../format/number_ranges.ts";
import type { RedactedItem } from "../format/redacted_block.ts";
import { openRedacted, redactedRoot } from "../format/redacted_block.ts";
import { redactedFileName } from "../format/redactions.ts";
import { readIfThere } from "../optional_file.ts";
import { decryptAge } from "./open_block.ts";

/** The newest redaction of a block. */
export interface Redaction {
  readonly entry: RedactEntry;
  /** Numbers of the records that are erased by now, by this one and those before it. */
  readonly removed: readonly NumberRange[];
}

/** By the index of the block's entry. */
export type Redactions = Map<number, Redaction>;

export function addRedaction(redactions: Redactions, entry: RedactEntry): void {
  const before = redactions.get(entry.block)?.removed ?? [];
  redactions.set(entry.block, { entry, removed: mergeNumberRanges([...before, ...entry.removed]) });
}

export function redactedPath({ entry }: Redaction): string {
  return `blocks/${entry.zone}/${redactedFileName(entry.seg, entry.block, entry.sha256)}`;
}

/** The file as the log says it is; undefined when it is missing or another one. */
export async function readRedacted(
  archive: string,
  redaction: Redaction,
): Promise<Buffer | undefined> {
  const bytes = await readIfThere(join(archive, redactedPath(redaction)));
  const isSame = bytes !== undefined && sha256(bytes).toString("hex") === redaction.entry.sha256;
  return isSame ? bytes : undefined;
}

export type OpenedRedacted =
  | { readonly items: readonly RedactedItem[] }
  | { readonly problem: string };

/** Undefined when none of the identities is a recipient. */
export async function decryptRedacted(
  bytes: Buffer,
  block: BlockEntry,
  { removed }: Redaction,
  identities: Decrypter,
): Promise<OpenedRedacted | undefined> {
  const decrypted = await decryptAge(bytes, identities);
  if (decrypted === undefined || "problem" in decrypted) return decrypted;
  const items = openRedacted(decrypted.content);
  if (items === undefined) return { problem: "its content is not whole" };
  if (
    items.length !== block.inner.n ||
    redactedRoot(items).toString("base64") !== block.inner.root
  ) {
    return { problem: "what is left does not have the inner root that the log has" };
  }
  const isAsStated = items.every(
    (item, at) => "leaf" in item === holdsNumber(removed, block.seq[0] + at),
  );
  return isAsStated ? { items } : { problem: "other records are erased than the log says" };
}
