import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { TraceFlags } from "@opentelemetry/api";
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { TestSettings } from "../../src/testing/test_settings.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { DebugExporter } from "./debug.ts";

interface Setup {
  readonly exporter: DebugExporter;
  readonly output: PassThrough;
  readonly settings: TestSettings;
  readonly clock: FakeClock;
}

async function setUp(test: TestContext, config: object, highWaterMark?: number): Promise<Setup> {
  const clock = new FakeClock();
  const settings = await testSettings(test, { kind: "exporter", type: "debug", clock });
  const output = new PassThrough(highWaterMark === undefined ? {} : { highWaterMark });
  const exporter = new DebugExporter(configSchema.parse(config), settings, output);
  await exporter.start();
  return { exporter, output, settings, clock };
}

function readAll(output: PassThrough): string {
  let text = "";
  for (let chunk = output.read(); chunk !== null; chunk = output.read()) text += chunk;
  return text;
}

async function printed(test: TestContext, verbosity: string, record: LogRecord): Promise<string> {
  const { exporter, output } = await setUp(test, { verbosity });
  await exporter.consumeLogs({ records: [record] });
  return readAll(output);
}

const resource = new Resource({ "service.name": "shop" }, "https://schema", 2);
const full = new LogRecord({
  hrTime: [1_795_239_795, 123_456_789],
  hrTimeObserved: [1_795_239_796, 0],
  severityNumber: 13,
  severityText: "Warning",
  body: { text: "hi", big: 2n ** 63n - 1n, list: [1, new Double(2), null] },
  attributes: { user: "u-1", ratio: new Double(1), raw: new Uint8Array([1, 2]), none: null },
  droppedAttributesCount: 3,
  spanContext: {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: TraceFlags.SAMPLED,
  },
  eventName: "cart.add",
  resource,
  instrumentationScope: { name: "lib", version: "1.0", attributes: { a: true } },
});

test("basic prints one line with counts", async (context) => {
  const { exporter, output } = await setUp(context, {});
  await exporter.consumeLogs({ records: [full, full, new LogRecord({ body: "x" })] });
  assert.equal(readAll(output), "Logs  resources: 2, scopes: 2, records: 3\n");
});

test("normal prints one line for each record", async (context) => {
  assert.equal(
    await printed(context, "normal", full),
    '2026-11-21T05:43:15.123456789Z Warning [cart.add] {"text":"hi","big":9223372036854775807,' +
      '"list":[1,2,null]} user=u-1 ratio=1 raw="AQI=" none=null\n',
  );
  assert.equal(await printed(context, "normal", new LogRecord({})), "- -    \n");
});

test("detailed prints every field", async (context) => {
  assert.equal(
    await printed(context, "detailed", full),
    `ResourceLog #0
Resource SchemaURL: https://schema
Resource attributes:
     -> service.name: Str(shop)
Resource dropped attributes: 2
ScopeLogs #0
InstrumentationScope: lib 1.0
InstrumentationScope attributes:
     -> a: Bool(true)
LogRecord #0
ObservedTimestamp: 2026-11-21T05:43:16.000000000Z
Timestamp: 2026-11-21T05:43:15.123456789Z
SeverityText: Warning
SeverityNumber: WARN(13)
EventName: cart.add
Body: Map({"text":"hi","big":9223372036854775807,"list":[1,2,null]})
Attributes:
     -> user: Str(u-1)
     -> ratio: Double(1)
     -> raw: Bytes(AQI=)
     -> none: Empty()
Dropped attributes: 3
Trace ID: 0af7651916cd43dd8448eb211c80319c
Span ID: b7ad6b7169203331
Flags: 1
`,
  );
});

test("log content cannot drive the terminal or forge a line", async (context) => {
  const hostile = "a\u001b[2J\nWARN forged\u009b\u202e\u2028\u0000\ud800";
  const record = new LogRecord({
    hrTime: [2 ** 60, 0],
    severityText: hostile,
    severityNumber: 99 as never,
    body: hostile,
    attributes: { [hostile]: hostile, deep: [{ [hostile]: hostile }] as AnyValue },
    eventName: hostile,
    spanContext: { traceId: hostile, spanId: hostile, traceFlags: 0 },
    resource: new Resource({ [hostile]: hostile }, hostile),
    instrumentationScope: { name: hostile, version: hostile, schemaUrl: hostile },
  });
  for (const verbosity of ["normal", "detailed"]) {
    const text = await printed(context, verbosity, record);
    assert.match(text, /^[\x20-\x7e\n]+$/);
    assert.equal(text.match(/^WARN/m), null);
    if (verbosity === "normal") assert.equal(text.indexOf("\n"), text.length - 1);
  }
});

test("sampling prints the first batches of a second and then one in so many", async (context) => {
  const { exporter, output, clock } = await setUp(context, {
    sampling_initial: 2,
    sampling_thereafter: 3,
  });
  for (let second = 0; second < 2; second++) {
    for (let index = 0; index < 8; index++) await exporter.consumeLogs({ records: [full] });
    assert.equal(readAll(output).split("\n").length - 1, 4);
    clock.advance(1000);
  }
});

test("a slow reader is waited for, and given back at the deadline of a shutdown", async (t) => {
  // A pass-through stream takes a text larger than its buffer only when somebody reads.
  const { exporter, output } = await setUp(t, { verbosity: "detailed" }, 10);
  let done = false;
  const waiting = exporter.consumeLogs({ records: [full] }).then(() => {
    done = true;
  });
  await new Promise(setImmediate);
  assert.equal(done, false);
  readAll(output);
  await waiting;

  const stuck = exporter.consumeLogs({ records: [full] });
  const deadline = new AbortController();
  const stopped = exporter.shutdown(deadline.signal);
  deadline.abort();
  await assert.rejects(stuck, { code: "pipeline.shutting_down", permanent: false });
  await stopped;
  await exporter.shutdown(AbortSignal.abort());
});

test("a reader that goes away does not stop the pipeline and is reported once", async (context) => {
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const program = `
    const { factory } = await import(${url("./factory.ts")});
    const { LogRecord } = await import(${url("../../src/data/log_record.ts")});
    const { createNoopMeter } = await import("@opentelemetry/api");
    const say = (what) => process.stderr.write(JSON.stringify(what) + "\\n");
    const exporter = factory.create(factory.configSchema.parse({ verbosity: "detailed" }), {
      clock: { nowMs: Date.now }, meter: createNoopMeter(),
      logger: { warn: (message) => say({ message }) },
      reportStatus: (status) => say({ status }),
    });
    await exporter.start();
    const records = Array.from({ length: 500 }, () => new LogRecord({ body: "x".repeat(400) }));
    for (let sent = 0; sent < 20; sent++) await exporter.consumeLogs({ records });
    await exporter.shutdown(new AbortController().signal);
    say("ended well");
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: new URL("../..", import.meta.url),
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.after(() => child.kill("SIGKILL"));
  const closed = once(child, "close");
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const [first] = await once(child.stdout, "data");
  assert.match(String(first), /^ResourceLog #0\n/);
  assert.equal(said, "", "it waits for its reader");
  child.stdout.destroy();
  await closed;
  const reason = "standard output is closed; records are no longer printed";
  assert.deepEqual(
    said
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
    [{ message: reason }, { status: "degraded" }, "ended well"],
  );
  assert.equal(child.exitCode, 0);
});
