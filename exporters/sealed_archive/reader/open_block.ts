/**
 * Decrypts a block whose bytes have the hash that the log has, and checks what is inside.
 *
 * Invariant: records are handed out only when their salted tree has the root that was signed.
 */
import type { Decrypter } from "age-encryption";
import { AgentError } from "../../../src/component/errors.ts";
import type { OpenedBlock } from "../format/block.ts";
import { openBlock } from "../format/block.ts";
import type { BlockEntry } from "../format/entry.ts";

export type DecryptedBlock = OpenedBlock | { readonly problem: string };

/** Undefined when none of the identities is a recipient of the block. */
export async function decryptBlock(
  bytes: Buffer,
  entry: BlockEntry,
  identities: Decrypter,
): Promise<DecryptedBlock | undefined> {
  const decrypted = await decryptAge(bytes, identities);
  if (decrypted === undefined || "problem" in decrypted) return decrypted;
  const opened = openBlock(decrypted.content);
  if (opened === undefined) return { problem: "its content is not whole" };
  if (opened.records.length !== entry.inner.n) {
    const { n } = entry.inner;
    return { problem: `it holds ${opened.records.length} records, the log says ${n}` };
  }
  if (opened.root.toString("base64") !== entry.inner.root) {
    return { problem: "its records do not have the inner root that the log has" };
  }
  return opened;
}

/** Undefined when none of the identities is a recipient. */
export async function decryptAge(
  bytes: Buffer,
  identities: Decrypter,
): Promise<{ readonly content: Uint8Array } | { readonly problem: string } | undefined> {
  try {
    return { content: await identities.decrypt(bytes) };
  } catch (cause) {
    // The library's own words for "these are not your identities"; everything else is the file's.
    if (cause instanceof Error && /no identity matched/i.test(cause.message)) return undefined;
    return { problem: "it is no age file that its recipients can decrypt" };
  }
}

export function wrongIdentity(archive: string): AgentError {
  return new AgentError("archive.wrong_identity", `${archive} was sealed for other recipients`);
}
