/**
 * Writes age files (age-encryption.org/v1, C2SP age.md) to X25519 recipients on `node:crypto`.
 *
 * The npm package `age-encryption` reads them; for writing it is asynchronous and two to four times
 * as slow on a block. The tests hold this writer against that package and the `age` command.
 * Invariant: each file has a fresh file key, each stanza a fresh ephemeral key, each payload a fresh
 * nonce; nothing is ever used twice.
 */
import type { KeyObject } from "node:crypto";
import {
  createCipheriv,
  createHmac,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from "node:crypto";
import type { RandomSource } from "../../component/settings.ts";
import { decodeBech32 } from "./bech32.ts";

const SPKI_X25519 = Buffer.from("302a300506032b656e032100", "hex");
const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const ZERO_NONCE = Buffer.alloc(12);

export interface AgeRecipient {
  /** `age1...` */
  readonly text: string;
  readonly raw: Buffer;
  readonly publicKey: KeyObject;
}

/** Undefined when the text is not a native X25519 recipient. */
export function parseAgeRecipient(text: string): AgeRecipient | undefined {
  const decoded = decodeBech32(text);
  if (decoded?.prefix !== "age" || decoded.bytes.length !== 32) return undefined;
  const raw = Buffer.from(decoded.bytes);
  return { text, raw, publicKey: x25519PublicKey(raw) };
}

export function encryptAgeFile(
  plaintext: Uint8Array,
  recipients: readonly AgeRecipient[],
  random: RandomSource,
): Buffer {
  const secrets = Buffer.alloc(32);
  random(secrets);
  const fileKey = secrets.subarray(0, 16);
  const nonce = secrets.subarray(16);
  let header = "age-encryption.org/v1\n";
  for (const recipient of recipients) header += stanza(fileKey, recipient);
  header += "---";
  const macKey = createSecretKey(hkdf(fileKey, "", "header"));
  const mac = createHmac("sha256", macKey).update(header).digest();
  const payloadKey = createSecretKey(hkdf(fileKey, nonce, "payload"));
  return Buffer.concat([
    Buffer.from(`${header} ${unpaddedBase64(mac)}\n`),
    nonce,
    ...encryptChunks(plaintext, payloadKey),
  ]);
}

function stanza(fileKey: Buffer, recipient: AgeRecipient): string {
  const ephemeral = generateKeyPairSync("x25519");
  const share = ephemeral.publicKey
    .export({ format: "der", type: "spki" })
    .subarray(SPKI_X25519.length);
  const shared = diffieHellman({
    privateKey: ephemeral.privateKey,
    publicKey: recipient.publicKey,
  });
  const salt = Buffer.concat([share, recipient.raw]);
  const wrapKey = createSecretKey(hkdf(shared, salt, "age-encryption.org/v1/X25519"));
  const body = Buffer.concat(seal(wrapKey, ZERO_NONCE, fileKey));
  return `-> X25519 ${unpaddedBase64(share)}\n${unpaddedBase64(body)}\n`;
}

/** STREAM: chunks of 64 KiB, nonce = 11-byte big-endian counter and a flag for the last chunk. */
function encryptChunks(plaintext: Uint8Array, key: KeyObject): Buffer[] {
  const parts: Buffer[] = [];
  const nonce = Buffer.alloc(12);
  const chunks = Math.max(1, Math.ceil(plaintext.length / CHUNK_BYTES));
  for (let index = 0; index < chunks; index++) {
    nonce.writeUInt32BE(index, 7);
    nonce[11] = index === chunks - 1 ? 1 : 0;
    const from = index * CHUNK_BYTES;
    parts.push(...seal(key, nonce, plaintext.subarray(from, from + CHUNK_BYTES)));
  }
  return parts;
}

function seal(key: KeyObject, nonce: Buffer, plaintext: Uint8Array): [Buffer, Buffer] {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}

function hkdf(key: Uint8Array, salt: Uint8Array | string, info: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, salt, info, 32));
}

function unpaddedBase64(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}

function x25519PublicKey(raw: Uint8Array): KeyObject {
  return createPublicKey({
    key: Buffer.concat([SPKI_X25519, raw]),
    format: "der",
    type: "spki",
  });
}
