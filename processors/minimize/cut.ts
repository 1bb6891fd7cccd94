/**
 * Cuts a body to a number of bytes.
 *
 * Invariant: what stays is a beginning of the body, in its order. A cut text ends with `…`; it never
 * ends inside a pair of surrogates or inside a token. What fits stays the same object.
 */
import type { AnyValue, AnyValueMap } from "../../src/data/any_value.ts";
import { Double, isAnyValueMap, setOwn } from "../../src/data/any_value.ts";
import { tokenEndAt } from "../../src/data/token.ts";
import { Withheld } from "./withheld.ts";

export const CUT_MARK = "…";
const MARK_BYTES = 3;
/** Numbers, and the overhead of what has no size of its own. */
const NUMBER_BYTES = 8;
const TOKEN_LENGTH_MAX = 140;

/** Replaces `text` from `end` on by the mark; `path` leads to it. */
export type CutText = (text: string, end: number, path: readonly (string | number)[]) => string;

export interface CutLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
}

/** Throws {@link Withheld} for a body that is nested too deep. */
export function cutBody(body: AnyValue, limits: CutLimits, cut: CutText): AnyValue {
  const { bytesMax, depthMax } = limits;
  if (typeof body === "string") {
    return fits(body, bytesMax) ? body : cut(body, cutEnd(body, bytesMax), []);
  }
  if (sizeOf(body, depthMax) <= bytesMax) return body;
  return new BodyCutter(bytesMax, cut).value(body);
}

/** Length in UTF-16 units of the longest beginning that with the mark has at most `bytesMax`. */
export function cutEnd(text: string, bytesMax: number): number {
  const end = prefixLength(text, bytesMax - MARK_BYTES);
  const first = Math.max(0, end - TOKEN_LENGTH_MAX);
  for (let index = end - 1; index >= first; index--) {
    if (text.charCodeAt(index) === 0x3c && tokenEndAt(text, index) > end) return index;
  }
  return end;
}

function fits(text: string, bytesMax: number): boolean {
  return text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax;
}

function prefixLength(text: string, bytesMax: number): number {
  let bytes = 0;
  for (let index = 0; index < text.length; ) {
    const codePoint = text.codePointAt(index)!;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    if (bytes > bytesMax) return index;
    index += codePoint < 0x10000 ? 1 : 2;
  }
  return text.length;
}

/** Bytes of UTF-8 of all texts and keys, the bytes themselves, and eight for each other value. */
function sizeOf(value: AnyValue, depthLeft: number): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== "object" || value === null || value instanceof Double) return NUMBER_BYTES;
  if (depthLeft === 0) throw new Withheld("too_deep");
  let size = 0;
  if (Array.isArray(value)) {
    for (const element of value) size += sizeOf(element, depthLeft - 1);
  } else if (isAnyValueMap(value)) {
    for (const key in value) size += Buffer.byteLength(key) + sizeOf(value[key], depthLeft - 1);
  }
  return size;
}

/** Takes over one body, value by value, until the first that does not fit. */
class BodyCutter {
  readonly #cut: CutText;
  readonly #path: (string | number)[] = [];
  #left: number;
  #isFull = false;

  constructor(bytesMax: number, cut: CutText) {
    this.#left = bytesMax;
    this.#cut = cut;
  }

  /** Undefined when nothing of the value fits; then, and after a cut, nothing more does. */
  value(value: AnyValue): AnyValue {
    if (typeof value === "string") return this.#text(value);
    if (value instanceof Uint8Array) return this.#bytes(value);
    if (Array.isArray(value)) return this.#list(value);
    if (isAnyValueMap(value)) return this.#map(value);
    return this.#take(NUMBER_BYTES) ? value : undefined;
  }

  #take(bytes: number): boolean {
    if (bytes > this.#left) {
      this.#isFull = true;
      return false;
    }
    this.#left -= bytes;
    return true;
  }

  #text(text: string): string | undefined {
    if (fits(text, this.#left)) {
      this.#left -= Buffer.byteLength(text);
      return text;
    }
    this.#isFull = true;
    if (this.#left <= MARK_BYTES) return undefined;
    return this.#cut(text, cutEnd(text, this.#left), [...this.#path]);
  }

  #bytes(bytes: Uint8Array): Uint8Array | undefined {
    const left = this.#left;
    if (this.#take(bytes.length)) return bytes;
    return left === 0 ? undefined : bytes.slice(0, left);
  }

  #list(list: readonly AnyValue[]): AnyValue[] {
    const kept: AnyValue[] = [];
    for (let index = 0; index < list.length && !this.#isFull; index++) {
      this.#path.push(index);
      const value = this.value(list[index]);
      this.#path.pop();
      if (value !== undefined || !this.#isFull) kept.push(value);
    }
    return kept;
  }

  #map(map: AnyValueMap): AnyValueMap {
    const kept: AnyValueMap = {};
    for (const key in map) {
      if (this.#isFull || !this.#take(Buffer.byteLength(key))) break;
      this.#path.push(key);
      const value = this.value(map[key]);
      this.#path.pop();
      if (value !== undefined || !this.#isFull) setOwn(kept, key, value);
    }
    return kept;
  }
}
