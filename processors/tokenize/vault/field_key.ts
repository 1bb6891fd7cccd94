/**
 * Values under the field key of a person. To destroy the key is to erase the person's values in
 * every copy there is, those in archives and backups included.
 *
 *     text       = "<" entity ":field:" base64url(ciphertext) ">"
 *     ciphertext = 0x01 || key id (16) || nonce (12) || AES-256-GCM(key, nonce, value) || tag (16)
 *
 * NIST SP 800-38D with random 96-bit nonces allows 2^32 values a key; one is given up long before.
 */
import type { KeyObject } from "node:crypto";
import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import type { RandomSource } from "../../../src/component/settings.ts";
import { formatFieldValue } from "../../../src/data/token.ts";

const VERSION = 0x01;
const ID_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + ID_BYTES;
const USES_MAX = 2 ** 31;

export class FieldKey {
  /** Hexadecimal; the token of its row in the vault. */
  readonly id: string;
  readonly #header: Buffer;
  readonly #key: KeyObject;
  readonly #random: RandomSource;
  #uses = 0;

  constructor(id: Uint8Array, key: Uint8Array, random: RandomSource) {
    this.#header = Buffer.concat([Buffer.of(VERSION), id]);
    this.id = this.#header.toString("hex", 1);
    this.#key = createSecretKey(key);
    this.#random = random;
  }

  static generate(random: RandomSource): FieldKey {
    const bytes = new Uint8Array(ID_BYTES + KEY_BYTES);
    random(bytes);
    const key = new FieldKey(bytes.subarray(0, ID_BYTES), bytes.subarray(ID_BYTES), random);
    bytes.fill(0);
    return key;
  }

  get isUsedUp(): boolean {
    return this.#uses >= USES_MAX;
  }

  /** The bytes that are sealed into the vault. */
  export(): Uint8Array {
    return new Uint8Array(this.#key.export());
  }

  encrypt(entity: string, value: string): string {
    this.#uses++;
    const nonce = Buffer.alloc(NONCE_BYTES);
    this.#random(nonce);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(this.#header, entity));
    const encrypted = cipher.update(value, "utf8");
    cipher.final();
    const parts = [this.#header, nonce, encrypted, cipher.getAuthTag()];
    return formatFieldValue(entity, Buffer.concat(parts));
  }
}

/** The id of the key that opens it; undefined for what is no such ciphertext. */
export function fieldKeyId(ciphertext: Buffer): string | undefined {
  if (ciphertext.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES) return undefined;
  return ciphertext[0] === VERSION ? ciphertext.toString("hex", 1, HEADER_BYTES) : undefined;
}

/** Undefined when it was changed, or the key or the entity is another one. */
export function decryptFieldValue(
  entity: string,
  ciphertext: Buffer,
  key: Uint8Array,
): string | undefined {
  if (fieldKeyId(ciphertext) === undefined || key.length !== KEY_BYTES) return undefined;
  const nonce = ciphertext.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv("aes-256-gcm", createSecretKey(key), nonce, options);
  decipher.setAAD(boundTo(ciphertext.subarray(0, HEADER_BYTES), entity));
  decipher.setAuthTag(ciphertext.subarray(-TAG_BYTES));
  const value = decipher.update(ciphertext.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return value.toString("utf8");
}

function boundTo(header: Buffer, entity: string): Buffer {
  return Buffer.concat([header, Buffer.from(entity, "utf8")]);
}
