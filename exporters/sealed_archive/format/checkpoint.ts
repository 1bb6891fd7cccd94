/**
 * The text of a checkpoint (c2sp.org/tlog-checkpoint): origin, size, root.
 *
 * Invariant: `parseCheckpoint(formatCheckpoint(c))` is `c`, and a text in any other writing of the
 * same values is refused.
 */
import { HASH_BYTES } from "./merkle.ts";
import { decodeBase64 } from "./note.ts";

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

export function formatCheckpoint(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${checkpoint.root.toString("base64")}\n`;
}

/** Extension lines are allowed and have no meaning here. Undefined for anything malformed. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin, size, root, ...extensions] = text.split("\n");
  if (origin === undefined || size === undefined || root === undefined) return undefined;
  if (origin === "" || extensions.pop() !== "" || extensions.includes("")) return undefined;
  if (!/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size))) return undefined;
  const hash = decodeBase64(root);
  if (hash?.length !== HASH_BYTES) return undefined;
  return { origin, size: Number(size), root: hash };
}
