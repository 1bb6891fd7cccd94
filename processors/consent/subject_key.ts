/**
 * The key that hides subjects in the records of consent changes, and its form:
 * `<subject:hmacsha256:hex>`.
 *
 * Invariant: HMAC-SHA-256(key, "consent/v1" || 0x00 || subject as UTF-8), so that who has the key
 * can show that a record is about a given person, and nobody else can tell.
 */
import type { KeyObject } from "node:crypto";
import { createHmac, createSecretKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { AgentError } from "../../src/component/errors.ts";
import { formatToken } from "../../src/data/token.ts";

const KEY_BYTES_MIN = 32;

export function hideSubject(key: KeyObject, subject: string): string {
  const hmac = createHmac("sha256", key).update(`consent/v1\0${subject}`);
  return formatToken("subject", "hmacsha256", hmac.digest("hex"));
}

/** Throws `consent.hash_key_unusable` or `storage.insecure`. */
export async function readSubjectKey(path: string): Promise<KeyObject> {
  const unusable = (why: string, cause?: unknown): AgentError =>
    new AgentError("consent.hash_key_unusable", `the key file ${path} ${why}`, { cause });
  let mode: number;
  let bytes: Buffer;
  try {
    mode = (await stat(path)).mode;
    bytes = await readFile(path);
  } catch (cause) {
    throw unusable("cannot be read", cause);
  }
  if ((mode & 0o077) !== 0) {
    throw new AgentError("storage.insecure", `others can read ${path}; run chmod 600 ${path}`);
  }
  if (bytes.length < KEY_BYTES_MIN) {
    throw unusable(`has ${bytes.length} bytes, ${KEY_BYTES_MIN} are needed`);
  }
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
