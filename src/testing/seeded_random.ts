/**
 * Randomness that repeats, for tests alone: the key stream of AES-256-CTR under a key made from a
 * seed. A statistical test with it gives the same answer every time.
 */
import { createCipheriv, createHash } from "node:crypto";
import type { RandomSource } from "../component/settings.ts";

export function seededRandom(seed: string): RandomSource {
  const key = createHash("sha256").update(seed).digest();
  const cipher = createCipheriv("aes-256-ctr", key, new Uint8Array(16));
  return (bytes) => {
    bytes.set(cipher.update(new Uint8Array(bytes.length)));
  };
}
