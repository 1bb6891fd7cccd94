/**
 * Exact non-negative fractions. Every number that decides how much noise is drawn is one of these;
 * a binary fraction never stands in for a decimal that a user wrote.
 *
 * Invariant: `denominator` is positive. Fractions are not reduced: nothing here needs it, and code
 * that is not there has no bug (a reduction step once biased every draw of another library).
 */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Longer denominators are cut before they become doubles. */
const DOUBLE_BITS = 900;

export const ZERO: Rational = { numerator: 0n, denominator: 1n };

const DECIMAL = /^(\d{1,30})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,2}))?$/;

/** The exact value of `2`, `0.5` or `1e-9`; undefined when the text is no such decimal. */
export function parseDecimal(text: string): Rational | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const shift = Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction);
  return shift >= 0
    ? { numerator: digits * 10n ** BigInt(shift), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-shift) };
}

export function add(a: Rational, b: Rational): Rational {
  // Sums over many days would grow without end otherwise.
  if (a.denominator === b.denominator) {
    return { numerator: a.numerator + b.numerator, denominator: a.denominator };
  }
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

/** `a - b`; `b` must not be larger. */
export function subtract(a: Rational, b: Rational): Rational {
  return {
    numerator: a.numerator * b.denominator - b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

export function multiply(a: Rational, b: Rational): Rational {
  return {
    numerator: a.numerator * b.numerator,
    denominator: a.denominator * b.denominator,
  };
}

/** `a / b`; `b` must not be zero. */
export function divide(a: Rational, b: Rational): Rational {
  return {
    numerator: a.numerator * b.denominator,
    denominator: a.denominator * b.numerator,
  };
}

export function isAtMost(a: Rational, b: Rational): boolean {
  return a.numerator * b.denominator <= b.numerator * a.denominator;
}

/** The smallest multiple of `1 / parts` that is not below `value`. */
export function roundUp(value: Rational, parts: bigint): Rational {
  const scaled = value.numerator * parts;
  return {
    numerator: (scaled + value.denominator - 1n) / value.denominator,
    denominator: parts,
  };
}

/** The largest multiple of `1 / parts` that is not above a finite, non-negative double. */
export function roundDownDouble(value: number, parts: bigint): Rational {
  // A double times a power of two is exact, so only the floor rounds. `parts` is a power of two.
  return { numerator: BigInt(Math.floor(value * Number(parts))), denominator: parts };
}

/** The nearest double, give or take an ulp: for display and for the intervals, never for noise. */
export function toNumber({ numerator, denominator }: Rational): number {
  // Both may be beyond what a double holds; what is cut off is less than an ulp of either.
  const excess = denominator.toString(2).length - DOUBLE_BITS;
  const shift = BigInt(Math.max(0, excess));
  return Number(numerator >> shift) / Number(denominator >> shift);
}

/** `17/2`, exact; what released records and the ledger carry. */
export function formatRational(value: Rational): string {
  return `${value.numerator}/${value.denominator}`;
}

/** The exact decimal of a fraction whose denominator is a power of ten, as parsed ones have. */
export function formatDecimal(value: Rational): string {
  let digits = value.numerator.toString();
  let places = value.denominator.toString().length - 1;
  for (; places > 0 && digits.endsWith("0") && digits !== "0"; places--)
    digits = digits.slice(0, -1);
  if (digits === "0") return "0";
  const exponent = places - digits.length + 1;
  if (exponent >= 6) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${digits[0]}${fraction}e-${exponent}`;
  }
  digits = digits.padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  return places === 0 ? whole : `${whole}.${digits.slice(-places)}`;
}

export function parseRational(text: string): Rational {
  const [numerator = "", denominator = ""] = text.split("/");
  return { numerator: BigInt(numerator), denominator: BigInt(denominator) };
}
