/** The records of a block with their salts, wherever they are by now: in it, or in its place. */
import type { Decrypter } from "age-encryption";
import type { BlockEntry } from "../format/entry.ts";
import { sha256 } from "../format/merkle.ts";
import { decryptBlock } from "./open_block.ts";
import type { OpenedRedacted, Redaction } from "./open_redacted.ts";
import { decryptRedacted, readRedacted } from "./open_redacted.ts";
import { SegmentReader } from "./segment_reader.ts";

/** Undefined when none of the identities is a recipient. */
export async function openItems(
  archive: string,
  entry: BlockEntry,
  redaction: Redaction | undefined,
  identities: Decrypter,
): Promise<OpenedRedacted | undefined> {
  if (redaction !== undefined) {
    const bytes = await readRedacted(archive, redaction);
    if (bytes !== undefined) return decryptRedacted(bytes, entry, redaction, identities);
    return { problem: "what stands in the place of the block was changed or is missing" };
  }
  const bytes = await readBlock(archive, entry);
  if (bytes === undefined) return { problem: "the block was changed or is missing" };
  const opened = await decryptBlock(bytes, entry, identities);
  if (opened === undefined || "problem" in opened) return opened;
  const salts = opened.salts();
  return { items: opened.records.map((record, at) => ({ salt: salts[at]!, record })) };
}

async function readBlock(
  archive: string,
  { zone, seg, off, len, sha256: hash }: BlockEntry,
): Promise<Buffer | undefined> {
  const segments = new SegmentReader(archive);
  const bytes = await segments.read(zone, seg, off, len).finally(() => segments.close());
  return bytes.length === len && sha256(bytes).toString("hex") === hash ? bytes : undefined;
}
