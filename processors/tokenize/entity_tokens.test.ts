import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Secret } from "../../src/lib/secret.ts";
import { configSchema } from "./config.ts";
import { tokenMaker } from "./entity_tokens.ts";
import type { TokenKey } from "./token_keys.ts";

const KEY: TokenKey = { kid: "k1", root: new Secret(new Uint8Array(32).fill(7)) };

function maker(entity: string, settings: object, domain = "prod") {
  const config = configSchema.parse({
    domain,
    keys: { directory: "keys" },
    entities: { [entity]: settings },
  });
  return tokenMaker({ key: KEY, domain, entity }, config.entities[entity]);
}

function problemsOf(entities: object): string[] {
  const result = configSchema.safeParse({ domain: "d", keys: { directory: "k" }, entities });
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

test("keeps the domain of an e-mail address, in one spelling", () => {
  const make = maker("email", { keep_domain: true });
  assert.match(make("Anna@Example.COM"), /^<email:k1:[a-z2-7]{20}>@example\.com$/);
  assert.equal(make("Anna@Example.COM"), make("anna%40example.com"));
});

test("keeps the last digits behind a token, never more than half", () => {
  const make = maker("payment_card", { keep_last: 4 });
  assert.match(make("4111 1111 1111 1234"), /^<payment_card:k1:[a-z2-7]{20}>-1234$/);
  assert.match(make("123"), />-3$/);
});

test("ff1 changes digits in their places and keeps the last ones and the separators", () => {
  const make = maker("payment_card", { mode: "ff1", keep_last: 4 });
  const token = make("4111-1111 1111%201234");
  assert.match(token, /^\d{4}-\d{4} \d{4}%201234$/);
  assert.notEqual(token.slice(0, 14), "4111-1111 1111");
  // The kept digits are part of the tweak: equal fronts with other ends look different.
  assert.notEqual(make("4111-1111 1111%201235").slice(0, 14), token.slice(0, 14));
  assert.match(make("12345678"), /^<payment_card:/, "too few digits for FF1");
  assert.match(make("1234567890123x"), /^<payment_card:/, "letters");
});

test("addresses keep their family with ipcrypt_pfx, and become IPv6 with the other", () => {
  const prefix = maker("ipv4", { mode: "ipcrypt_pfx" });
  const [a, b, c] = ["10.1.2.3", "10.1.2.4", "10.9.2.3"].map(prefix) as [string, string, string];
  assert.match(a, /^\d+\.\d+\.\d+\.\d+$/);
  assert.equal(a.split(".").slice(0, 3).join(), b.split(".").slice(0, 3).join());
  assert.equal(a.split(".")[0], c.split(".")[0]);
  assert.notEqual(a.split(".")[1], c.split(".")[1]);
  assert.match(maker("ipv4", { mode: "ipcrypt_deterministic" })("10.1.2.3"), /:/);
  assert.match(prefix("no address"), /^<ipv4:/);
});

test("truncate gives the network", () => {
  const settings = { mode: "truncate", prefix_ipv4: 20, prefix_ipv6: 44 };
  assert.equal(maker("ipv4", settings)("203.0.113.77"), "203.0.112.0/20");
  assert.equal(maker("ipv6", settings)("2001:DB8:1:2f::9"), "2001:db8::/44");
  assert.equal(maker("ipv6", settings)("::ffff:203.0.113.77"), "203.0.112.0/20");
  assert.equal(maker("ipv4", { mode: "truncate", prefix_ipv4: 32 })("1.2.3.4"), "1.2.3.4/32");
});

test("another domain gives another result in every mode that has a key", () => {
  const cases: [string, object, string][] = [
    ["email", { keep_domain: true }, "anna@example.com"],
    ["payment_card", { mode: "ff1" }, "4111111111111111"],
    ["ipv4", { mode: "ipcrypt_pfx" }, "203.0.113.77"],
    ["ipv6", { mode: "ipcrypt_deterministic" }, "2001:db8::1"],
  ];
  for (const [entity, settings, value] of cases) {
    assert.equal(maker(entity, settings)(value), maker(entity, settings)(value));
    assert.notEqual(maker(entity, settings)(value), maker(entity, settings, "test")(value));
  }
});

test("no value makes a mode throw, and none comes out as it was", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.ipV4(),
    fc.ipV6(),
    fc.stringMatching(/^[0-9 %-]{0,30}$/),
  );
  const modes: [string, object][] = [
    ["payment_card", { mode: "ff1", keep_last: 4 }],
    ["phone_e164", { mode: "ff1" }],
    ["ipv4", { mode: "ipcrypt_pfx" }],
    ["ipv6", { mode: "ipcrypt_deterministic" }],
    ["email", { keep_domain: true }],
    ["us_ssn", { keep_last: 4 }],
  ];
  const makers = modes.map(([entity, settings]) => maker(entity, settings));
  fc.assert(
    fc.property(text, (value) => {
      for (const make of makers) assert.notEqual(make(value), value);
    }),
    { numRuns: 2000, seed: 20261127 },
  );
});

test("settings that do not fit their entity are refused", () => {
  assert.match(problemsOf({ email: { mode: "ff1" } })[0]!, /^entities\.email\.mode: /);
  assert.match(problemsOf({ us_ssn: { mode: "truncate" } })[0]!, /ipv4 and ipv6 only/);
  assert.match(problemsOf({ ipv4: { keep_domain: true } })[0]!, /keep_domain: is for email/);
  assert.match(problemsOf({ ipv4: { keep_last: 2 } })[0]!, /keep_last: /);
  assert.match(problemsOf({ "Card number": {} })[0]!, /no name of an entity/);
});
