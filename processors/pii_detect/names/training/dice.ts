/** Everything random in the training comes from here, and so from one seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 0 to `limit` - 1. Mulberry32 (Tommy Ettinger, public domain): the same on every machine. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  /** A number of so many digits, without a leading zero. */
  digits(min: number, max = min): string {
    const rest = min + this.below(max - min + 1) - 1;
    return String(1 + this.below(9)) + Array.from({ length: rest }, () => this.below(10)).join("");
  }

  /** `limit` is at most 100; with a leading zero. */
  twoDigits(limit: number): string {
    return String(this.below(limit)).padStart(2, "0");
  }

  letter(): string {
    return String.fromCharCode(65 + this.below(26));
  }

  /** `9` becomes a digit, `A` a letter. */
  shape(shape: string): string {
    return shape.replace(/[9A]/g, (place) => (place === "9" ? this.digits(1) : this.letter()));
  }
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function list(words: string): readonly string[] {
  return words.split(" ");
}
