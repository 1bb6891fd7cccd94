/** Our own check digits against `stdnum`, on random numbers and on mutations of valid ones. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { isLuhn, isMod97, isVerhoeff } from "./checksums.ts";
import { entityTable } from "./entities/entity_table.ts";
import { Scanner } from "./scanner.ts";

const load = createRequire(import.meta.url);
const { stdnum } = load("stdnum");
const oracle = load("stdnum/lib/cjs/util/checksum");
const COUNT = 10_000;

class Numbers {
  readonly #random;

  constructor(seed: string) {
    this.#random = seededRandom(seed);
  }

  below(limit: number): number {
    const bytes = new Uint8Array(4);
    this.#random(bytes);
    return Buffer.from(bytes.buffer).readUInt32LE() % limit;
  }

  digits(min: number, max: number): string {
    const length = min + this.below(max - min + 1);
    return Array.from({ length }, () => this.below(10)).join("");
  }

  /** One digit changed, or two neighbours exchanged. */
  mutated(digits: string): string {
    const at = this.below(digits.length - 1);
    if (this.below(2) === 0) {
      return digits.slice(0, at) + digits[at + 1] + digits[at] + digits.slice(at + 2);
    }
    return digits.slice(0, at) + this.below(10) + digits.slice(at + 1);
  }
}

/** Half random numbers, half valid ones with a mutation; both verdicts must occur. */
function compare(
  seed: string,
  ours: (digits: string) => boolean,
  theirs: (digits: string) => boolean,
  make: (numbers: Numbers) => string,
): void {
  const numbers = new Numbers(seed);
  const seen = { true: 0, false: 0 };
  let valid: string | undefined;
  for (let count = 0; count < COUNT; count++) {
    const digits = count % 2 === 1 && valid !== undefined ? numbers.mutated(valid) : make(numbers);
    const expected = theirs(digits);
    assert.equal(ours(digits), expected, digits);
    seen[`${expected}`]++;
    if (expected) valid = digits;
  }
  assert.ok(seen.true > 300 && seen.false > 300, JSON.stringify(seen));
}

test("Luhn agrees with stdnum", () => {
  compare("luhn", isLuhn, oracle.luhnChecksumValidate, (numbers) => numbers.digits(8, 19));
});

test("Verhoeff agrees with stdnum", () => {
  compare("verhoeff", isVerhoeff, oracle.verhoeffValidate, (numbers) => numbers.digits(8, 14));
});

test("MOD 97-10 agrees with stdnum", () => {
  const make = (numbers: Numbers): string => {
    const body = numbers.digits(12, 24);
    const check = numbers.below(3) === 0 ? numbers.digits(2, 2) : checkOf(body);
    return body + check;
  };
  compare("mod97", isMod97, (digits) => oracle.mod97base10Validate(digits), make);
});

function checkOf(body: string): string {
  return String(98n - ((BigInt(body) * 100n) % 97n)).padStart(2, "0");
}

test("social security numbers agree with stdnum, grouped and in one", () => {
  const rows = entityTable.filter(({ name }) => name === "us_ssn");
  const scanner = new Scanner(rows, { minScore: 0, isAllowed: () => false });
  const finds = (text: string): boolean => {
    scanner.scan(text, "");
    return scanner.spans.count > 0;
  };
  // stdnum lets the serial 0000 pass, which the Social Security Administration never issues.
  const theirs = (digits: string): boolean =>
    stdnum.US.ssn.validate(digits).isValid && !digits.endsWith("0000");
  const make = (numbers: Numbers): string => {
    // Areas, groups and serials that are never issued are rare among random ones.
    const area =
      ["000", "666", "900", numbers.digits(3, 3)][numbers.below(6)] ?? numbers.digits(3, 3);
    const group = numbers.below(8) === 0 ? "00" : numbers.digits(2, 2);
    const serial = numbers.below(8) === 0 ? "0000" : numbers.digits(4, 4);
    return area + group + serial;
  };
  compare("ssn", (digits) => finds(`ssn ${digits}`), theirs, make);
  const grouped = (digits: string): string =>
    `${digits.slice(0, 3)}-${digits.slice(3, 5)}-${digits.slice(5)}`;
  compare("ssn grouped", (digits) => finds(grouped(digits)), theirs, make);
});
