/**
 * The text of a proof (c2sp.org/tlog-proof@v1): extra data, index, inclusion path, checkpoint.
 *
 * Invariant: parsing says only that the text has this form. Nothing in it is trusted before the path
 * leads to the root of a checkpoint whose signature was checked; the extra data never by itself.
 */
import { HASH_BYTES } from "./merkle.ts";
import { decodeBase64 } from "./note.ts";
import { PROOF_HASHES_MAX } from "./tree_proof.ts";

const HEAD = "c2sp.org/tlog-proof@v1";

export interface TlogProof {
  readonly extra: Buffer | undefined;
  /** Of the entry in the log, from 0. */
  readonly index: number;
  /** From the leaf's sibling up. */
  readonly path: readonly Buffer[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
}

export function formatTlogProof({ extra, index, path, checkpoint }: TlogProof): string {
  const lines = [HEAD];
  if (extra !== undefined) lines.push(`extra ${extra.toString("base64")}`);
  lines.push(`index ${index}`, ...path.map((hash) => hash.toString("base64")));
  return `${lines.join("\n")}\n\n${checkpoint}`;
}

/** Undefined for anything malformed. */
export function parseTlogProof(text: string): TlogProof | undefined {
  const split = text.indexOf("\n\n");
  if (split < 0) return undefined;
  const lines = text.slice(0, split).split("\n");
  if (lines.shift() !== HEAD) return undefined;
  let extra: Buffer | undefined;
  if (lines[0]?.startsWith("extra ") === true) {
    extra = decodeBase64(lines.shift()!.slice("extra ".length));
    if (extra === undefined) return undefined;
  }
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? "")?.[1];
  if (index === undefined || !Number.isSafeInteger(Number(index))) return undefined;
  const path = decodeHashes(lines);
  if (path === undefined) return undefined;
  return { extra, index: Number(index), path, checkpoint: text.slice(split + 2) };
}

/** Hashes of a proof in base64; undefined when one is none, or there are too many. */
export function decodeHashes(lines: readonly string[]): Buffer[] | undefined {
  if (lines.length > PROOF_HASHES_MAX) return undefined;
  const hashes: Buffer[] = [];
  for (const line of lines) {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_BYTES) return undefined;
    hashes.push(hash);
  }
  return hashes;
}
