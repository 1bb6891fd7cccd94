/** What arrives is what was handed in, whichever encoder wrote it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import { isSdkExact, LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { OtlpHttpExporter } from "./otlp_http.ts";
import { TestBackend } from "./test_backend.ts";

const RUNS = 150;

const resources = [
  new Resource({ "service.name": "shop", tags: ["a", "b"] }, "https://schema/1"),
  new Resource({}),
];
const scopes = [
  {
    name: "lib",
    version: "2.0",
    attributes: { a: 1 },
    schemaUrl: "https://schema/2",
    droppedAttributesCount: 2,
  },
  { name: "" },
];

const text = fc.string({ unit: "binary" }).filter((value) => value.isWellFormed());
const key = fc.string({ minLength: 1, maxLength: 8 });
const inexact = [
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.integer().map(toDouble),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** 53, -1e20, 1e300),
];
const values = (exact: boolean): fc.Arbitrary<AnyValue> =>
  fc.letrec<{ value: AnyValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noInteger: true, noDefaultInfinity: true }),
      fc.uint8Array({ maxLength: 5 }),
      ...(exact ? [] : inexact),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 3 }),
    ),
  })).value;

function toDouble(value: number): Double {
  return new Double(value);
}

const recordOf = (exact: boolean): fc.Arbitrary<LogRecord> =>
  fc
    .record({
      hrTime: fc.tuple(fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 0, max: 999_999_999 })),
      severityNumber: fc.constantFrom(undefined, 1, 9, 24),
      severityText: fc.constantFrom(undefined, "warn"),
      body: fc.option(values(exact), { nil: undefined }),
      attributes: fc.dictionary(key, values(exact), { maxKeys: 4 }) as fc.Arbitrary<Attributes>,
      droppedAttributesCount: fc.nat(3),
      spanContext: fc.constantFrom(
        undefined,
        { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 },
        { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "", traceFlags: 0 },
      ),
      eventName: fc.constantFrom(undefined, "cart.add"),
      resource: fc.constantFrom(...resources),
      instrumentationScope: fc.constantFrom(...scopes),
    })
    .map((fields) => new LogRecord(fields as ConstructorParameters<typeof LogRecord>[0]));

/** Each alone is beyond the official encoders. */
const inexactRecords = [
  new LogRecord({ body: [2n ** 63n - 1n] }),
  new LogRecord({ attributes: { a: { b: new Double(2) } } }),
  new LogRecord({ body: Number.NaN }),
  new LogRecord({ body: 2 ** 53 }),
  new LogRecord({ resource: new Resource({ a: new Double(1) }) }),
  new LogRecord({ resource: new Resource({}, undefined, 3) }),
  new LogRecord({ instrumentationScope: { name: "a", attributes: { b: 2n ** 60n } } }),
];

for (const encoding of ["proto", "json"] as const) {
  for (const exact of [true, false]) {
    const by = exact ? "the official encoder" : "our own encoder";
    test(`${encoding}: what arrives by ${by} is what was sent`, async (context) => {
      const backend = await TestBackend.start(context);
      const settings = await testSettings(context, { kind: "exporter", type: "otlp_http" });
      const config = configSchema.parse({ endpoint: backend.url, encoding, compression: "none" });
      const exporter = new OtlpHttpExporter(config, settings);
      await exporter.start();
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(recordOf(exact), { minLength: 1, maxLength: 5 }),
          async (some) => {
            const records = exact
              ? some
              : [...some, inexactRecords[run++ % inexactRecords.length]!];
            assert.equal(isSdkExact(records.at(-1)!), exact);
            backend.received.length = 0;
            await exporter.consumeLogs({ records });
            assert.deepEqual(comparable(backend.records), comparable(sentForm(records)));
          },
        ),
        { numRuns: RUNS },
      );
      await exporter.shutdown(AbortSignal.abort());
    });
  }
}

/** The records in the order of their groups and with OTLP's defaults, as any reader has them. */
function sentForm(records: readonly LogRecord[]): readonly LogRecord[] {
  return decodeLogs(encodeLogsData(records)).records;
}

/** Plain objects; a property that is not there and one that is undefined say the same. */
function comparable(records: readonly LogRecord[]): unknown {
  return records.map((record) => ({
    ...record,
    resource: { ...record.resource },
    instrumentationScope: { ...record.instrumentationScope },
  }));
}
