/**
 * Cosignatures of witnesses on a checkpoint (c2sp.org/tlog-cosignature, Ed25519, type 0x04).
 *
 * A cosignature says: at this time this was the largest log of that origin that the witness had seen,
 * and it continued all that it had seen before.
 *
 * Invariant: the time is covered by the signature; a cosignature without a time is none.
 */
import { sign, verify } from "node:crypto";
import type { NoteSigner, NoteVerifier } from "./note.ts";
import { parseSigningKey, parseVerifier, signatureLine, signaturesBy, splitNote } from "./note.ts";

export const COSIGNING_KEY = 4;
const TIME_BYTES = 8;

/** The vkey of a witness. Throws `archive.key_invalid`. */
export function parseCosigner(vkey: string): NoteVerifier {
  return parseVerifier(vkey, COSIGNING_KEY);
}

export function isCosigner(vkey: string): boolean {
  try {
    return parseCosigner(vkey) !== undefined;
  } catch {
    return false;
  }
}

/** The key file of a witness. Throws `archive.key_invalid`. */
export function parseCosigningKey(text: string): NoteSigner {
  return parseSigningKey(text, COSIGNING_KEY);
}

/** The signature line for the text of a checkpoint. `timeS` is in whole seconds since 1970. */
export function cosign(text: string, signer: NoteSigner, timeS: number): string {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(timeS));
  const signature = sign(null, signedMessage(text, BigInt(timeS)), signer.privateKey);
  return signatureLine(signer.verifier, Buffer.concat([time, signature]));
}

export type OpenedCosignature =
  | { readonly status: "valid"; readonly timeS: number }
  /** A line of this key is there, and it does not fit. */
  | { readonly status: "forged" }
  | { readonly status: "absent" };

/** The newest cosignature of one witness; one line of its that does not fit spoils them all. */
export function openCosignature(note: string, cosigner: NoteVerifier): OpenedCosignature {
  const split = splitNote(note);
  let newestS: number | undefined;
  for (const bytes of split === undefined ? [] : signaturesBy(cosigner, split)) {
    if (bytes.length < TIME_BYTES) return { status: "forged" };
    const time = bytes.readBigUInt64BE();
    const message = signedMessage(split!.text, time);
    const isValid = verify(null, message, cosigner.publicKey, bytes.subarray(TIME_BYTES));
    if (!isValid || time > BigInt(Number.MAX_SAFE_INTEGER)) return { status: "forged" };
    newestS = Math.max(newestS ?? 0, Number(time));
  }
  return newestS === undefined ? { status: "absent" } : { status: "valid", timeS: newestS };
}

function signedMessage(text: string, time: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
}
