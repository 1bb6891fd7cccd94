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
import { join } from "node:path";
import { AgentError } from "../../src/component/errors.ts";
import type { RandomSource } from "../../src/component/settings.ts";
import { formatToken } from "../../src/data/token.ts";
import { writeFileDurably } from "../../src/lib/durable_file.ts";

const KEY_BYTES = 32;

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
  if (bytes.length < KEY_BYTES) {
    throw unusable(`has ${bytes.length} bytes, ${KEY_BYTES} are needed`);
  }
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** The key of this agent's consent processors, made when there is none. */
export async function ownSubjectKey(directory: string, random: RandomSource): Promise<KeyObject> {
  const path = join(directory, "subject.key");
  const isThere = await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
  if (!isThere) {
    const bytes = new Uint8Array(KEY_BYTES);
    random(bytes);
    await writeFileDurably(path, bytes);
    bytes.fill(0);
  }
  return readSubjectKey(path);
}
