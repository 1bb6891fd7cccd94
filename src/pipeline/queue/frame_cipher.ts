/**
 * Encrypts what waits: AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) derives for each run.
 *
 * Invariant: no key meets a nonce twice. The nonce is the frame's index; after a failed write, when
 * an index is used again, and after each start, a new random run gives another key. The header is
 * authenticated with the payload, so a frame cannot be put in another one's place.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  timingSafeEqual,
} from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { AgentError, describeError } from "../../component/errors.ts";
import type { RandomSource } from "../../component/settings.ts";
import { writeFileDurably } from "../../lib/durable_file.ts";
import { Secret } from "../../lib/secret.ts";

const KEY_BYTES = 32;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const OTHERS = 0o077;

export class FrameCipher {
  readonly #master: Secret<Uint8Array>;
  readonly #keys = new Map<string, Secret<Uint8Array>>();

  constructor(master: Secret<Uint8Array>) {
    this.#master = master;
  }

  /** The payload of a frame: cipher text and tag. */
  seal(plain: Uint8Array, header: Uint8Array, place: FramePlace): Buffer {
    const cipher = createCipheriv("aes-256-gcm", this.#key(place.run), nonceOf(place.index));
    cipher.setAAD(header);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** Undefined when a bit of header or payload is not what was sealed. */
  open(payload: Uint8Array, header: Uint8Array, place: FramePlace): Buffer | undefined {
    const textBytes = payload.length - TAG_BYTES;
    if (textBytes < 0) return undefined;
    const decipher = createDecipheriv("aes-256-gcm", this.#key(place.run), nonceOf(place.index));
    decipher.setAAD(header);
    decipher.setAuthTag(payload.subarray(textBytes));
    try {
      return Buffer.concat([decipher.update(payload.subarray(0, textBytes)), decipher.final()]);
    } catch {
      return undefined;
    }
  }

  /** HMAC-SHA256 of a small file of the queue, in hex. */
  mac(text: string): string {
    const key = this.#derive("vouchsafe queue cursor", new Uint8Array());
    return createHmac("sha256", key.reveal()).update(text).digest("hex");
  }

  isMac(text: string, mac: string): boolean {
    const [expected, given] = [Buffer.from(this.mac(text)), Buffer.from(mac)];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  #key(run: Uint8Array): Uint8Array {
    const name = Buffer.from(run).toString("hex");
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = this.#derive("vouchsafe queue frames", run);
      this.#keys.set(name, key);
    }
    return key.reveal();
  }

  #derive(purpose: string, salt: Uint8Array): Secret<Uint8Array> {
    const key = hkdfSync("sha256", this.#master.reveal(), salt, purpose, KEY_BYTES);
    return new Secret(new Uint8Array(key));
  }
}

export interface FramePlace {
  readonly index: number;
  readonly run: Uint8Array;
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64LE(BigInt(index), NONCE_BYTES - 8);
  return nonce;
}

/**
 * Reads the key; with `random`, one that does not exist is made.
 * @throws AgentError `storage.insecure` when others can read it, `queue.key_unusable` otherwise.
 */
export async function loadQueueKey(path: string, random?: RandomSource): Promise<FrameCipher> {
  try {
    const { mode } = await stat(path);
    if ((mode & OTHERS) !== 0) {
      throw new AgentError("storage.insecure", `others can use ${path}; run chmod 600 ${path}`);
    }
    const key = await readFile(path);
    if (key.length < KEY_BYTES) {
      throw new AgentError("queue.key_unusable", `${path} is shorter than ${KEY_BYTES} bytes`);
    }
    return new FrameCipher(new Secret(Uint8Array.from(key)));
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    if (!isMissing || random === undefined) {
      const message = `${path} cannot be read (${describeError(cause)})`;
      throw new AgentError("queue.key_unusable", message, { cause });
    }
  }
  const key = new Uint8Array(KEY_BYTES);
  random(key);
  await writeFileDurably(path, key);
  return new FrameCipher(new Secret(key));
}
