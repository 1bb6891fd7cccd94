/**
 * Seals what rows hold to public keys, so that whoever writes them cannot read them.
 *
 *     sealed = uint16 length || age file || nonce (12) || AES-256-GCM(key, nonce, content) || tag (16)
 *
 * The age file (age-encryption.org/v1) holds the 32-byte key, sealed to the recipients of the roles
 * that may see the entity. Rows that are sealed together share it, because one age file costs as
 * much as a hundred rows; the key is forgotten with its {@link Sealing}. Kind, domain, entity, key
 * id and token are authenticated, so a row that was moved to another token does not open.
 */
import type { KeyObject } from "node:crypto";
import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import type { RandomSource } from "../../../src/component/settings.ts";
import { encryptAgeFile, parseAgeRecipient } from "../../../src/lib/age/age_file.ts";
import type { VaultRow } from "./vault.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 2;

/** What a row says about itself, and what its content is bound to. */
export type RowName = Pick<VaultRow, "kind" | "domain" | "entity" | "keyId" | "token">;

interface Envelope {
  readonly key: KeyObject;
  readonly ageFile: Buffer;
}

/** Seals the rows of one write. */
export class Sealing {
  readonly #random: RandomSource;
  readonly #envelopes = new Map<string, Envelope>();

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** `recipients` are valid `age1...` texts, at least one. */
  seal(name: RowName, content: Uint8Array, recipients: readonly string[]): Buffer {
    const { key, ageFile } = this.#envelopeFor(recipients);
    const nonce = this.#bytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(name));
    const encrypted = cipher.update(content);
    cipher.final();
    const parts = [ageFile, nonce, encrypted, cipher.getAuthTag()];
    // Memory of its own: a part of a shared pool would take the pool along to another thread.
    const sealed = Buffer.alloc(parts.reduce((size, part) => size + part.length, LENGTH_BYTES));
    let end = sealed.writeUInt16BE(ageFile.length);
    for (const part of parts) end += part.copy(sealed, end);
    return sealed;
  }

  #envelopeFor(recipients: readonly string[]): Envelope {
    const readers = recipients.join(" ");
    let envelope = this.#envelopes.get(readers);
    if (envelope === undefined) {
      const bytes = this.#bytes(KEY_BYTES);
      const parsed = recipients.map((text) => parseAgeRecipient(text)!);
      const ageFile = encryptAgeFile(bytes, parsed, this.#random);
      envelope = { key: createSecretKey(bytes), ageFile };
      bytes.fill(0);
      this.#envelopes.set(readers, envelope);
    }
    return envelope;
  }

  #bytes(size: number): Buffer {
    const bytes = Buffer.alloc(size);
    this.#random(bytes);
    return bytes;
  }
}

/** Opens an age file with somebody's identities; rejects when none of them fits. */
export type OpenAgeFile = (ageFile: Uint8Array) => Promise<Uint8Array>;

/** Undefined when it is damaged, or belongs to another row; rejects when the age file is closed. */
export async function openSealed(
  name: RowName,
  sealed: Uint8Array,
  openAgeFile: OpenAgeFile,
): Promise<Buffer | undefined> {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const ageEnd = LENGTH_BYTES + (bytes.length < LENGTH_BYTES ? 0 : bytes.readUInt16BE());
  if (bytes.length < ageEnd + NONCE_BYTES + TAG_BYTES) return undefined;
  const key = await openAgeFile(bytes.subarray(LENGTH_BYTES, ageEnd));
  if (key.length !== KEY_BYTES) return undefined;
  const nonce = bytes.subarray(ageEnd, ageEnd + NONCE_BYTES);
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv("aes-256-gcm", createSecretKey(key), nonce, options);
  decipher.setAAD(boundTo(name));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const content = decipher.update(bytes.subarray(ageEnd + NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return content;
}

function boundTo({ kind, domain, entity, keyId, token }: RowName): Buffer {
  return Buffer.from(["vault/v1", kind, domain, entity, keyId, token].join("|"), "utf8");
}
