import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AgentError } from "../component/errors.ts";
import type { AnyValue } from "../data/any_value.ts";
import { LogRecord } from "../data/log_record.ts";
import { EMPTY_RESOURCE, EMPTY_SCOPE, Resource } from "../data/resource.ts";
import { encodeLogRecord, encodeLogsData } from "./encode_logs.ts";
import { encodeShared, sharedEncodingOf } from "./shared_encoding.ts";
import { SingleRecordAppender } from "./single_record.ts";

const RESOURCES = [EMPTY_RESOURCE, new Resource({ "service.name": "shop" }, "https://schema/1")];
const SCOPES = [EMPTY_SCOPE, { name: "a", version: "1", schemaUrl: "https://schema/2" }];

const record = fc
  .record({
    resource: fc.constantFrom(...RESOURCES),
    instrumentationScope: fc.constantFrom(...SCOPES),
    body: fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc.nat({ max: 3000 }).map((length) => "x".repeat(length)),
      fc.nat({ max: 70_000 }).map((length) => "y".repeat(length)),
    ),
    attributes: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean())),
  })
  .map((fields) => new LogRecord(fields));

test("the request is that of the plain encoder, and each record lies where it is said to", () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), (records) => {
      const { request, starts, ends } = encodeShared(records);
      assert.deepEqual(request, Buffer.from(encodeLogsData(records)));
      const appender = new SingleRecordAppender();
      for (const [index, each] of records.entries()) {
        const fields = request.subarray(starts[index]!, ends[index]!);
        assert.deepEqual(fields, Buffer.from(encodeLogRecord(each)));
        const start = appender.appendEncoded(each, encodeShared(records), index);
        assert.deepEqual(
          Buffer.from(appender.writer.copy(start)),
          Buffer.from(encodeLogsData([each])),
        );
      }
    }),
    { numRuns: 200, seed: 20261127 },
  );
});

test("a batch is encoded once and known by its array alone", () => {
  const records = [new LogRecord({ body: "a" })];
  assert.equal(sharedEncodingOf(records), undefined);
  const encoding = encodeShared(records);
  assert.equal(encodeShared(records), encoding);
  assert.equal(sharedEncodingOf(records), encoding);
  assert.equal(sharedEncodingOf([...records]), undefined);
});

test("a batch with a record that has no encoding is not known", () => {
  let body: AnyValue = "deep";
  for (let depth = 0; depth < 1000; depth++) body = [body];
  const records = [new LogRecord({ body: "a" }), new LogRecord({ body })];
  assert.throws(
    () => encodeShared(records),
    (error) => error instanceof AgentError && error.code === "otlp.limit_exceeded",
  );
  assert.equal(sharedEncodingOf(records), undefined);
});
