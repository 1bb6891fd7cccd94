/** The detector and the tokenizer, one behind the other as in a pipeline. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { factory as detectFactory } from "../../processors/pii_detect/factory.ts";
import { factory as tokenizeFactory } from "../../processors/tokenize/factory.ts";
import { generateTokenKey } from "../../processors/tokenize/token_keys.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { systemRandom } from "../../src/lib/system_clock.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";

test("no value stays, places fit, twice is once", async (t) => {
  const directory = await temporaryDirectory(t);
  await generateTokenKey(directory, { random: systemRandom, nowMs: Date.UTC(2026, 10, 21) });
  const config = tokenizeFactory.configSchema.parse({ domain: "test", keys: { directory } });
  const next = new CollectingConsumer();
  const tokenizeSettings = await testSettings(t, { type: "tokenize" });
  const processor = tokenizeFactory.create(config, tokenizeSettings, next);
  await processor.start();
  const settings = await testSettings(t, { downstream: ["tokenize"] });
  const detect = detectFactory.create(detectFactory.configSchema.parse({}), settings, processor);
  await detect.start();
  const run = async (record: LogRecord): Promise<LogRecord> => {
    next.batches.length = 0;
    await detect.consumeLogs({ records: [record] });
    return next.records[0]!;
  };
  const personal = fc.constantFrom(
    "anna@example.com",
    "Ben%40Example.org",
    "192.0.2.7",
    "2001:db8::7",
    "4111 1111 1111 1111",
    "DE89370400440532013000",
    "219-45-6789",
    "+12025550100",
    "00:1a:2b:3c:4d:5e",
    "password=hunter22",
  );
  const gap = fc.constantFrom(" ", ", ", " \u{1f415} ", "\n", " (", ") ", "] ", " é ", "; ");
  const text = fc.array(fc.tuple(gap, fc.oneof(personal, fc.constantFrom("ok", "x=1", "200"))), {
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(text, async (parts) => {
      const body = parts.flat().join("");
      const once = await run(new LogRecord({ body, attributes: { k: body, list: [{ body }] } }));
      const shown = JSON.stringify([once.body, once.attributes]);
      for (const [, part] of parts) {
        const value = part.replace("password=", "");
        if (value.length > 6) assert.ok(!shown.includes(value), `${value} stays in ${shown}`);
      }
      assert.equal(once.findings, undefined);
      assert.equal(once.attributes.k, once.body);
      const twice = await run(once);
      assert.deepEqual([twice.body, twice.attributes], [once.body, once.attributes]);
    }),
    { numRuns: 300 },
  );
});
