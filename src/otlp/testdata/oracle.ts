/** OTLP messages as protobufjs knows them, and arbitrary ones for property tests. */
import { join } from "node:path";
import fc from "fast-check";
import protobuf from "protobufjs";

// Shrinking a failed message of this size may take hours; the first seconds of it say enough.
fc.configureGlobal({ interruptAfterTimeLimit: 20_000 });

const root = protobuf.loadSync(join(import.meta.dirname, "logs.proto"));
const LogsData = root.lookupType("otlp.LogsData");

export type Message = Record<string, any>;

export function lookup(name: string): protobuf.Type {
  return root.lookupType(`otlp.${name}`);
}

export function oracleEncode(message: Message): Uint8Array {
  return LogsData.encode(LogsData.fromObject(message)).finish();
}

/** Plain objects; 64-bit integers as decimal strings, bytes as `Buffer`. */
export function oracleDecode(bytes: Uint8Array): Message {
  return LogsData.toObject(LogsData.decode(Buffer.from(bytes)), { longs: String });
}

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ unit: "grapheme-ascii", minLength: 100, maxLength: 400 }),
);
const someText = text.filter((value) => value !== "");
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer().map(BigInt),
  fc.constantFrom(2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n), 1n - 2n ** 53n, 2n ** 32n, -1n, 0n),
);
const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value));
const id = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .filter((value) => value.some((byte) => byte !== 0))
    .map((value) => Buffer.from(value));
const time = fc.oneof(
  fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String),
  fc.constantFrom("1", "999999999", "1000000000", "1544712660300000000", "18446744073709551615"),
);
const count = fc.integer({ min: 1, max: 0xffff_ffff });
/** Objects of JavaScript put keys that look like array indexes first, so those are left out. */
const key = fc
  .oneof(text, fc.constantFrom("__proto__", "constructor", "toString", "service.name"))
  .filter((name) => name !== "" && !/^\d+$/.test(name));

const { value: anyValue, keyValues } = fc.letrec<{ value: Message; keyValues: Message[] }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant({}),
      fc.record({ stringValue: text }),
      fc.record({ boolValue: fc.boolean() }),
      fc.record({ intValue: int64.map(String) }),
      fc.record({ doubleValue: fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, 1e300)) }),
      fc.record({ bytesValue: bytes }),
      fc.record({ arrayValue: fc.record({ values: fc.array(tie("value"), { maxLength: 4 }) }) }),
      fc.record({ kvlistValue: fc.record({ values: tie("keyValues") }) }),
    ),
    keyValues: fc.uniqueArray(fc.record({ key, value: tie("value") }), {
      maxLength: 5,
      selector: (entry) => entry.key,
    }),
  }),
);

const logRecord = fc.record(
  {
    timeUnixNano: time,
    severityNumber: fc.oneof(fc.integer({ min: 1, max: 24 }), fc.constantFrom(-1, 2 ** 31 - 1)),
    severityText: someText,
    body: anyValue.filter((value) => Object.keys(value).length > 0),
    attributes: keyValues,
    droppedAttributesCount: count,
    flags: count,
    traceId: id(16),
    spanId: id(8),
    observedTimeUnixNano: time,
    eventName: someText,
  },
  { requiredKeys: [] },
);

/**
 * Messages without anything at its default, so that there is one encoding of each. Every resource
 * and scope says something, because empty ones are shared when decoded.
 */
export const logsData: fc.Arbitrary<Message> = fc.record({
  resourceLogs: fc.array(
    fc.record(
      {
        resource: fc.record(
          {
            attributes: keyValues.filter((list) => list.length > 0),
            droppedAttributesCount: count,
          },
          { requiredKeys: ["attributes"] },
        ),
        scopeLogs: fc.array(
          fc.record(
            {
              scope: fc.record(
                {
                  name: someText,
                  version: someText,
                  attributes: keyValues.filter((list) => list.length > 0),
                  droppedAttributesCount: count,
                },
                { requiredKeys: ["name"] },
              ),
              logRecords: fc.array(logRecord, { minLength: 1, maxLength: 3 }),
              schemaUrl: someText,
            },
            { requiredKeys: ["scope", "logRecords"] },
          ),
          { minLength: 1, maxLength: 2 },
        ),
        schemaUrl: someText,
      },
      { requiredKeys: ["resource", "scopeLogs"] },
    ),
    { maxLength: 3 },
  ),
});
