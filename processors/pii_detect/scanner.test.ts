import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { entityTable } from "./entities/entity_table.ts";
import { ScannedText } from "./scanned_text.ts";
import { Scanner } from "./scanner.ts";

const all = { minScore: 0.5, isAllowed: () => false };
const scanner = new Scanner(
  entityTable.filter((entity) => entity.isOnRequest !== true),
  all,
);

function found(text: string, key = ""): string[] {
  scanner.scan(text, key);
  scanner.spans.settle();
  return Array.from({ length: scanner.spans.count }, (_, index) => {
    const value = text.slice(scanner.spans.start(index), scanner.spans.end(index));
    return `${scanner.names[scanner.spans.entity(index)]} ${value}`;
  });
}

test("finds all kinds in one line", () => {
  assert.deepEqual(
    found("10.0.0.1 anna@example.com paid 4111 1111 1111 1111 with password=y7 from +12025550100"),
    [
      "ipv4 10.0.0.1",
      "email anna@example.com",
      "payment_card 4111 1111 1111 1111",
      "secret y7",
      "phone_e164 +12025550100",
    ],
  );
});

test("treats what overlaps as one finding", () => {
  assert.deepEqual(found("password=anna@example.com"), ["secret anna@example.com"]);
  assert.deepEqual(found("::ffff:192.0.2.1"), ["ipv6 ::ffff:192.0.2.1"]);
});

test("passes over tokens, its own and those of others", () => {
  assert.deepEqual(found("<email:k20261121a:abcdefghijklmnopqrst> and <x:y>"), []);
});

test("gives UTF-16 offsets beside characters of any plane", () => {
  const person = fc.constantFrom("anna@example.com", "192.0.2.1", "4111111111111111");
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      person,
      fc.string({ unit: "grapheme" }),
      (a, p, b) => {
        const text = `${a} ${p} ${b}`;
        assert.ok(
          found(text).some((finding) => finding.endsWith(` ${p}`)) || /[=:@]/.test(a),
          text,
        );
      },
    ),
  );
});

test("takes any text without an error, and gives findings in order and inside it", () => {
  const alphabet = fc.constantFrom(..."09aAfF@.:-=/ %+\"'\\<>[]{}_&;,4eyJ\u00e9\ud83d\udc00\u4e2d");
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 200 }), (text) => {
      scanner.scan(text, "");
      scanner.spans.settle();
      let end = 0;
      for (let index = 0; index < scanner.spans.count; index++) {
        assert.ok(scanner.spans.start(index) >= end);
        end = scanner.spans.end(index);
        assert.ok(end > scanner.spans.start(index) && end <= text.length);
      }
    }),
    { numRuns: 3000 },
  );
});

/** Counts how often the scanner and the verifiers read a character. */
function readsOf(text: string): number {
  let reads = 0;
  const counting = new ScannedText();
  counting.set(text);
  counting.codes = new Proxy(counting.codes, {
    get: (codes, index) => {
      reads++;
      return Reflect.get(codes, index);
    },
  });
  counting.set = () => {};
  counting.slice = (start, end = text.length) => {
    reads += Math.max(0, end - start);
    return text.slice(start, end);
  };
  new Scanner(
    entityTable.filter((entity) => entity.isOnRequest !== true),
    all,
    [],
    counting,
  ).scan(text, "");
  return reads;
}

test("reads twice as much of a text twice as long, whatever the text", () => {
  const seeds = [
    "password=",
    "password: ",
    "token=",
    "cookie:a=x;",
    "cookie: ",
    "authorization: ",
    "Bearer ",
    "Basic aaaa ",
    "://",
    "http://a",
    "http://a@",
    "a@a.",
    "@",
    "a.",
    "eyJ",
    "eyJ.eyJ",
    "ghp_",
    "xoxb-",
    "-----BEGIN PRIVATE KEY-----",
    "1.1.1.",
    "1:1:",
    "::",
    "aa:",
    "4111 ",
    "4111-1111-",
    "+1 ",
    "+(0)",
    "%20",
    "%40a",
    "%2B1",
    "DE89 ",
    "a'",
    '="',
    '\\"',
    '"password":"\\',
    "<a:b:",
    "'",
    "[",
    "set-cookie:",
    "secret=<",
    "password=[",
    "AKIA",
    "999",
    "sk-ant-",
    "key=",
    "a_key=a1",
    "token=a1.",
  ];
  for (const seed of seeds) {
    for (const end of ["", '"', "@b.com", "1"]) {
      const half = readsOf(seed.repeat(Math.ceil(1024 / seed.length)) + end);
      const whole = readsOf(seed.repeat(Math.ceil(2048 / seed.length)) + end);
      assert.ok(whole < half * 2.5 + 1000, `${JSON.stringify(seed)}: ${half} then ${whole} reads`);
    }
  }
});

test("stays quick on 64 KiB of each of these", () => {
  for (const seed of ["token=", "cookie:a=x;", "a@a.", "cookie:cookie: Path=/"]) {
    const text = seed.repeat(65_536 / seed.length);
    const reads = readsOf(text);
    assert.ok(reads < text.length * 300, `${JSON.stringify(seed)}: ${reads} reads`);
  }
});

const corpora = join(import.meta.dirname, "../../../shared/corpora");
const skip = existsSync(corpora) ? false : "the corpora are not here";

test("finds next to nothing but addresses in real system logs", { skip }, () => {
  const folder = join(corpora, "loghub");
  let lines = 0;
  const findings: string[] = [];
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".log"))) {
    for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
      lines++;
      findings.push(...found(line).filter((finding) => !finding.startsWith("ipv4 ")));
    }
  }
  assert.ok(lines > 15_000);
  // The one e-mail address that is really there: the builder of a Linux kernel.
  assert.deepEqual([...new Set(findings)], ["email bhcompile@bugs.build.redhat.com"]);
});

test("finds the client of every line of a real access log", { skip }, () => {
  const log = readFileSync(join(corpora, "apache_access.log"), "utf8");
  const missed = log.split("\n").filter((line) => {
    const client = line.slice(0, line.indexOf(" "));
    return line !== "" && found(line)[0] !== `ipv4 ${client}`;
  });
  assert.deepEqual(missed, []);
});
