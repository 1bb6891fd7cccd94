/** The MAC of one link, over `sequence (8 bytes BE) || SHA-256(record) || previous value`. */
import { HmacSha256 } from "./hmac_sha256.ts";

const DIGEST_OFFSET = 8;
const PREVIOUS_OFFSET = 40;
const MESSAGE_BYTES = 72;
const TWO_POW_32 = 0x1_0000_0000;

export class ChainMac {
  readonly #hmac = new HmacSha256(MESSAGE_BYTES);

  setKey(key: Uint8Array): void {
    this.#hmac.setKey(key);
  }

  /** `tag` in base64. */
  setPrevious(tag: string): void {
    this.#hmac.message.write(tag, PREVIOUS_OFFSET, "base64");
  }

  /** The value in base64, which the next link continues. `digest`: 32 bytes as latin1 text. */
  link(sequence: number, digest: string): string {
    const message = this.#hmac.message;
    message.writeUInt32BE(Math.floor(sequence / TWO_POW_32), 0);
    message.writeUInt32BE(sequence % TWO_POW_32, 4);
    message.write(digest, DIGEST_OFFSET, "latin1");
    const tag = this.#hmac.digest("base64");
    message.write(tag, PREVIOUS_OFFSET, "base64");
    return tag;
  }

  clear(): void {
    this.#hmac.clear();
  }
}
