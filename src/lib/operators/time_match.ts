/** Matches a text against a compiled layout and gives the numbers that it holds. */
import type { LayoutPart, NumberPart } from "./time_layout.ts";

export interface TimeParts {
  /** Undefined where the layout has no year (syslog). */
  year: number | undefined;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  /** Seconds east of UTC; undefined where the text does not say. */
  offsetS: number | undefined;
}

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const LETTERS = /[A-Za-z]+/y;
const OFFSET = /Z|([+-])(\d\d):?(\d\d)?:?(\d\d)?/y;
const FRACTION_DIGITS_MAX = 9;

/** The month's number (1 to 12) of a name that begins at `index`, or 0. */
export function monthAt(text: string, index: number): number {
  return MONTHS.indexOf(text.slice(index, index + 3).toLowerCase()) + 1;
}

/** Undefined when the text does not have this layout. */
export function matchLayout(parts: readonly LayoutPart[], text: string): TimeParts | undefined {
  const match = new Matcher(text);
  for (let index = 0; index < parts.length; index++) {
    if (!match.part(parts[index]!)) return undefined;
    // As in Go, a fraction may follow the seconds although the layout has none.
    const next = parts[index + 1];
    const beforeFraction = next?.kind === "literal" && /^[.,]/.test(next.text);
    if (isNumber(parts[index]!, "second") && !beforeFraction) match.optionalFraction();
  }
  return match.result();
}

function isNumber(part: LayoutPart, name: NumberPart): boolean {
  return part.kind === "number" && part.name === name;
}

class Matcher {
  readonly #text: string;
  #at = 0;
  #afternoon: boolean | undefined;
  #hour12 = false;
  readonly #time: TimeParts = {
    ...{ year: undefined, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanosecond: 0 },
    offsetS: undefined,
  };

  constructor(text: string) {
    this.#text = text;
  }

  part(part: LayoutPart): boolean {
    switch (part.kind) {
      case "literal":
        return this.#literal(part.text);
      case "number":
        return part.name === "fraction" ? this.#fraction() : this.#number(part.name, part.min);
      case "month_name":
        return this.#monthName();
      case "weekday":
        return this.#letters() !== undefined;
      case "half_day":
        return this.#halfDay();
      case "offset":
        return this.#offset();
      case "zone":
        return this.#zone();
    }
  }

  optionalFraction(): void {
    const mark = this.#text[this.#at];
    if ((mark !== "." && mark !== ",") || !/\d/.test(this.#text[this.#at + 1] ?? "")) return;
    this.#at++;
    this.#fraction();
  }

  result(): TimeParts | undefined {
    const time = this.#time;
    if (this.#at !== this.#text.length) return undefined;
    if (this.#hour12) {
      if (time.hour > 12) return undefined;
      if (this.#afternoon !== undefined) time.hour = (time.hour % 12) + (this.#afternoon ? 12 : 0);
    }
    const valid =
      time.month >= 1 &&
      time.month <= 12 &&
      time.day >= 1 &&
      time.day <= daysOf(time.year ?? 2000, time.month) &&
      time.hour <= 24 &&
      time.minute <= 59 &&
      time.second <= 60;
    return valid ? time : undefined;
  }

  #literal(literal: string): boolean {
    for (const character of literal) {
      const found = this.#text[this.#at];
      // Go takes either mark before a fraction of a second.
      const same = found === character || (character === "." && found === ",");
      if (!same) return false;
      this.#at++;
    }
    return true;
  }

  #number(name: Exclude<NumberPart, "fraction">, min: number): boolean {
    const max = name === "year" ? 4 : 2;
    if (min === 1 && this.#text[this.#at] === " ") this.#at++;
    const start = this.#at;
    while (this.#at - start < max && /\d/.test(this.#text[this.#at] ?? "")) this.#at++;
    if (this.#at - start < min) return false;
    const value = Number(this.#text.slice(start, this.#at));
    if (name === "year2") this.#time.year = value + (value < 69 ? 2000 : 1900);
    else if (name === "hour12") {
      this.#hour12 = true;
      this.#time.hour = value;
    } else this.#time[name] = value;
    return true;
  }

  #fraction(): boolean {
    const start = this.#at;
    while (/\d/.test(this.#text[this.#at] ?? "")) this.#at++;
    const digits = this.#text.slice(start, Math.min(this.#at, start + FRACTION_DIGITS_MAX));
    this.#time.nanosecond = Number(digits.padEnd(FRACTION_DIGITS_MAX, "0"));
    return digits !== "";
  }

  #monthName(): boolean {
    this.#time.month = monthAt(this.#text, this.#at);
    return this.#time.month > 0 && this.#letters() !== undefined;
  }

  #halfDay(): boolean {
    const word = this.#letters()?.toLowerCase();
    this.#afternoon = word === "pm";
    return word === "am" || word === "pm";
  }

  #offset(): boolean {
    OFFSET.lastIndex = this.#at;
    const match = OFFSET.exec(this.#text);
    if (match === null) return false;
    this.#at = OFFSET.lastIndex;
    const [, sign, hours, minutes, seconds] = match;
    const total = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
    this.#time.offsetS = sign === "-" ? -total : total;
    return true;
  }

  /** Only UTC's names say where they are; for another one the configured location counts. */
  #zone(): boolean {
    const name = this.#letters();
    if (name === "UTC" || name === "GMT" || name === "Z") this.#time.offsetS = 0;
    return name !== undefined;
  }

  #letters(): string | undefined {
    LETTERS.lastIndex = this.#at;
    const match = LETTERS.exec(this.#text);
    if (match === null) return undefined;
    this.#at = LETTERS.lastIndex;
    return match[0];
  }
}

function daysOf(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
