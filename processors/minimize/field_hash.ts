/**
 * Keyed hashes of the values of unknown fields, in the form of a token, so that a second treatment
 * leaves them alone: `<field:hmacsha256:hex>`.
 *
 * Invariant: HMAC-SHA-256(key, "minimize/v1" || 0x00 || name || 0x00 || value), the value as UTF-8
 * text or as bytes. The name is in it, so that values of different fields cannot be joined.
 */
import type { KeyObject } from "node:crypto";
import { createHmac, createSecretKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { AgentError } from "../../src/component/errors.ts";
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import { formatToken, tokenEndAt } from "../../src/data/token.ts";

const KEY_BYTES_MIN = 32;

/** Of a text, number, boolean or bytes. Tokens and what has no content stay as they are. */
export function hashField(key: KeyObject, name: string, value: AnyValue): AnyValue {
  const content = contentOf(value);
  if (content === undefined || content.length === 0) return value;
  if (typeof content === "string" && tokenEndAt(content, 0) === content.length) return value;
  const hmac = createHmac("sha256", key).update(`minimize/v1\0${name}\0`).update(content);
  return formatToken("field", "hmacsha256", hmac.digest("hex"));
}

function contentOf(value: AnyValue): string | Uint8Array | undefined {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  if (value instanceof Double) return String(value.value);
  return typeof value === "object" || value === undefined ? undefined : String(value);
}

/** Throws `minimize.hash_key_unusable` or `storage.insecure`. */
export async function readHashKey(path: string): Promise<KeyObject> {
  const unusable = (why: string, cause?: unknown): AgentError =>
    new AgentError("minimize.hash_key_unusable", `hash_key_file ${path} ${why}`, { cause });
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
