/**
 * Attribute keys seen before, so that a key that comes with every record is decoded once and is the
 * same string each time (which makes objects with the same keys share their shape).
 *
 * Invariant: a hit is byte for byte the key asked for. The cache holds at most `SLOTS` keys of at
 * most `KEY_LENGTH_MAX` bytes; whoever sends hostile keys only makes it miss.
 */
const SLOTS = 1024;
const KEY_LENGTH_MAX = 64;

export class KeyCache {
  readonly #bytes: (Uint8Array | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #keys: string[] = new Array(SLOTS).fill("");

  get(source: Uint8Array, start: number, end: number): string | undefined {
    const slot = slotOf(source, start, end);
    const known = this.#bytes[slot];
    const length = end - start;
    if (known === undefined || known.length !== length) return undefined;
    for (let index = 0; index < length; index++) {
      if (known[index] !== source[start + index]) return undefined;
    }
    return this.#keys[slot];
  }

  /** Remembers `key`, whose bytes these are. Returns it in a form of its own, not as a slice. */
  add(source: Uint8Array, start: number, end: number, key: string): string {
    if (end - start > KEY_LENGTH_MAX || start === end) return key;
    const slot = slotOf(source, start, end);
    // The cache lives long, so what it keeps holds on to no message: copied bytes, decoded anew.
    const bytes = Buffer.from(source.subarray(start, end));
    const own = bytes.toString("utf8");
    this.#bytes[slot] = bytes;
    this.#keys[slot] = own;
    return own;
  }
}

function slotOf(source: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  const middle = source[start + (length >> 1)]!;
  const early = source[start + (length >> 2)]!;
  const mixed = length + source[start]! * 7 + early * 31 + middle * 131 + source[end - 1]! * 524;
  return (mixed ^ (mixed >>> 10)) & (SLOTS - 1);
}
