/** Looks for the values of today's and yesterday's canaries in texts. */
import type { KeyObject } from "node:crypto";
import { canaryDay, canaryValues } from "../../src/lib/canary_values.ts";

export class CanarySearch {
  readonly #key: KeyObject;
  #day = Number.NaN;
  #values: readonly string[] = [];
  /** Lower-case letters and digits of each value alone. */
  #compact: readonly string[] = [];
  /** Base64 at each of the three places of a value in a longer text, and hexadecimal. */
  #encoded: readonly string[] = [];

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** Values change at midnight, UTC; those of the day before may still be under way. */
  turnTo(nowMs: number): void {
    const day = canaryDay(nowMs);
    if (day === this.#day) return;
    this.#day = day;
    const days = [day, day - 1].map((each) => canaryValues(this.#key, each));
    this.#values = days.flatMap((values) => Object.values(values));
    this.#compact = this.#values.map(compact);
    this.#encoded = this.#values.flatMap((value) => [...base64Cores(value), hexOf(value)]);
  }

  /** True when the text holds a value as it was sent. Fast enough for every text that leaves. */
  isIn(text: string): boolean {
    for (const value of this.#values) if (text.includes(value)) return true;
    return false;
  }

  /** True when a value can be read out of the text, also in other writing or encoded. */
  canBeReadIn(text: string): boolean {
    if (this.isIn(text)) return true;
    for (const form of [text, percentDecoded(text)]) {
      const bare = compact(form);
      if (this.#compact.some((value) => bare.includes(value))) return true;
    }
    const standard = text.replaceAll("-", "+").replaceAll("_", "/");
    const lower = text.toLowerCase();
    return this.#encoded.some((value) => standard.includes(value) || lower.includes(value));
  }
}

function compact(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, "");
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function hexOf(text: string): string {
  return Buffer.from(text, "utf8").toString("hex");
}

/** The characters of base64 that depend on the value alone, whatever stands before and behind. */
function base64Cores(value: string): string[] {
  return [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(value, "utf8")]);
    const whole = Math.floor((bytes.length * 8) / 6);
    return bytes.toString("base64").slice(Math.ceil((shift * 8) / 6), whole);
  });
}
