/**
 * Checks a chain the way a third party would: only the exported OTLP JSON, the README of
 * `hmac_chain`, `age` and `openssl`. Nothing of the agent's own verifier is used.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { configSchema } from "../../processors/hmac_chain/config.ts";
import { HmacChain } from "../../processors/hmac_chain/hmac_chain.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { toOtlpJson } from "../../src/otlp/encode_json.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { skipWithout } from "../support/tools.ts";

type Json = { readonly [name: string]: unknown };
type KeyValue = { readonly key: string; readonly value?: Json };

const openssl = (input: Uint8Array, ...words: string[]) =>
  execFileSync("openssl", ["dgst", "-sha256", "-binary", ...words], { input });
const sha256 = (...parts: Uint8Array[]) => openssl(Buffer.concat(parts));
const label = (text: string) => Buffer.from(text, "latin1");

function uint(value: unknown, bytes: number): Buffer {
  const digits = BigInt(String(value ?? 0)).toString(16);
  return Buffer.from(digits.padStart(bytes * 2, "0"), "hex");
}

function string(text: unknown): Buffer {
  const utf8 = Buffer.from(String(text ?? ""));
  return Buffer.concat([uint(utf8.length, 4), utf8]);
}

function map(entries: readonly KeyValue[] = []): Buffer {
  const sorted = entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  const parts = sorted.map(({ key, value }) => Buffer.concat([string(key), anyValue(value ?? {})]));
  return Buffer.concat([uint(parts.length, 4), ...parts]);
}

function anyValue(value: Json): Buffer {
  const [kind] = Object.keys(value);
  if (kind === undefined) return uint(0, 1);
  const content = value[kind];
  if (kind === "boolValue") return uint(content === true ? 2 : 1, 1);
  if (kind === "stringValue") return Buffer.concat([uint(5, 1), string(content)]);
  if (kind === "intValue") {
    return Buffer.concat([uint(3, 1), uint(BigInt.asUintN(64, BigInt(String(content))), 8)]);
  }
  if (kind === "doubleValue") {
    const number = Number(content);
    if (Number.isInteger(number)) return anyValue({ intValue: BigInt(number) });
    const ieee754 = Buffer.alloc(8);
    ieee754.writeDoubleBE(number);
    return Buffer.concat([uint(4, 1), ieee754]);
  }
  if (kind === "bytesValue") {
    const bytes = Buffer.from(String(content), "base64");
    return Buffer.concat([uint(6, 1), uint(bytes.length, 4), bytes]);
  }
  const { values = [] } = content as { values?: (Json & KeyValue)[] };
  if (kind === "kvlistValue") return Buffer.concat([uint(8, 1), map(values)]);
  assert.equal(kind, "arrayValue");
  return Buffer.concat([uint(7, 1), uint(values.length, 4), ...values.map(anyValue)]);
}

const INTEGRITY =
  /^audit\.integrity\.(value|algorithm|chain|sequence|epoch|previous|restart|undelivered)$/;

function canonical(record: Json, resource: Json, scope: Json): Buffer {
  const attributes = (record.attributes ?? []) as KeyValue[];
  const statement = (name: string) =>
    attributes.find(({ key }) => key === `audit.integrity.${name}`)?.value?.stringValue;
  return Buffer.concat([
    uint(1, 1),
    sha256(map(resource.attributes as KeyValue[]), string(resource.schemaUrl)),
    sha256(
      string(scope.name),
      string(scope.version),
      map(scope.attributes as KeyValue[]),
      string(scope.schemaUrl),
    ),
    uint(record.timeUnixNano, 8),
    uint(record.observedTimeUnixNano, 8),
    uint(record.severityNumber, 4),
    uint(record.droppedAttributesCount, 4),
    uint(Number(record.flags ?? 0) & 0xff, 1),
    string(record.traceId),
    string(record.spanId),
    string(record.severityText),
    string(record.eventName),
    string(statement("restart")),
    string(statement("undelivered")),
    anyValue((record.body ?? {}) as Json),
    map(attributes.filter(({ key }) => !INTEGRITY.test(key))),
  ]);
}

function sampleRecords(): LogRecord[] {
  const resource = new Resource({ "host.name": "web-1", pid: 7 }, "https://example.com/schema");
  const instrumentationScope = {
    name: "shop",
    version: "1.2",
    attributes: { b: [1, "x"], a: 0.5 },
  };
  const bodies = ["plain", null, 5, 5.5, -3, true, 2n ** 60n, new Uint8Array([1, 2]), ["a", [1]]];
  return bodies.map(
    (body, index) =>
      new LogRecord({
        hrTime: [1_795_239_000, index],
        hrTimeObserved: [1_795_239_001, 0],
        severityNumber: 9,
        severityText: "INFO",
        eventName: "order",
        body,
        attributes: { "z.last": "é", nested: { y: null, x: { deep: [false] } }, "a.first": index },
        spanContext: {
          traceId: "0af7651916cd43dd8448eb211c80319c",
          spanId: "b7ad6b7169203331",
          traceFlags: 1,
        },
        resource,
        instrumentationScope,
      }),
  );
}

test("every link is what openssl computes from the export alone", {
  skip: skipWithout("age", "openssl"),
}, async (t) => {
  const settings = await testSettings(t);
  const sink = new CollectingConsumer();
  const records = sampleRecords();
  for (const part of [records.slice(0, 4), records.slice(4)]) {
    const chain = new HmacChain(configSchema.parse({}), settings, sink);
    await chain.start();
    await chain.consumeLogs({ records: part.slice(0, 3) });
    await chain.consumeLogs({ records: part.slice(3) });
    await chain.shutdown(AbortSignal.timeout(20_000));
  }

  const state = await settings.stateDirectory();
  const opened = execFileSync("age", [
    ...["-d", "-i", join(state, "auditor-identity.txt")],
    join(state, "genesis.age"),
  ]).toString();
  const [, key, chainId] = /^VOUCHSAFE-CHAIN-KEY-1 (\S+)\nchain (\S+)\n$/.exec(opened)!;
  const id = Buffer.from(chainId!, "hex");
  const stepKey = (run: number, step: number) => {
    let current = sha256(label("vouchsafe chain start"), id, Buffer.from(key!, "base64"));
    for (let at = 0; at < run; at++) current = sha256(label("vouchsafe chain run"), current);
    current = sha256(label("vouchsafe chain step"), sha256(label("vouchsafe chain span"), current));
    for (let at = 0; at < step; at++) current = sha256(label("ratchet"), current);
    return current;
  };

  let previous = sha256(label("vouchsafe chain genesis"), id);
  const request = JSON.parse(toOtlpJson(sink.records));
  const [{ resource, schemaUrl, scopeLogs }] = request.resourceLogs;
  const exported: Json[] = scopeLogs[0].logRecords;
  const scope = { ...scopeLogs[0].scope, schemaUrl: scopeLogs[0].schemaUrl };
  for (const [sequence, record] of exported.entries()) {
    const found = (record.attributes as KeyValue[]).map(({ key, value }) => [key, value] as const);
    const marks = Object.fromEntries(found);
    assert.equal(marks["audit.integrity.chain"]?.stringValue, chainId);
    const [run, step] = String(marks["audit.integrity.epoch"]?.stringValue).split(".").map(Number);
    const digest = sha256(canonical(record, { ...resource, schemaUrl }, scope));
    const message = Buffer.concat([uint(sequence, 8), digest, previous]);
    const macKey = `hexkey:${stepKey(run!, step!).toString("hex")}`;
    previous = openssl(message, "-mac", "HMAC", "-macopt", macKey);
    assert.equal(marks["audit.integrity.value"]?.stringValue, previous.toString("base64"));
  }
  assert.equal(exported.length, 9);
});
