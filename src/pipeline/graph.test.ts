import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { LogsConsumer } from "../component/component.ts";
import { AgentError } from "../component/errors.ts";
import type {
  AnyExporterFactory,
  AnyProcessorFactory,
  AnyReceiverFactory,
} from "../component/factory.ts";
import type { ComponentKind } from "../component/settings.ts";
import { mapRecords } from "../data/log_batch.ts";
import { LogRecord } from "../data/log_record.ts";
import { CollectingConsumer } from "../testing/collecting_consumer.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { testSettings } from "../testing/test_settings.ts";
import type { GraphEnvironment } from "./environment.ts";
import type { ConfiguredComponent, GraphPlan } from "./graph.ts";
import { Graph } from "./graph.ts";
import { BLOCKED_AFTER_MS, WATCH_INTERVAL_MS } from "./watch.ts";

const batch = { records: [new LogRecord({ body: "one" }), new LogRecord({ body: "two" })] };

/** A plan of small components that note what happens to them, over a real graph. */
class Bench {
  readonly events: string[] = [];
  readonly counts = new Map<string, number>();
  readonly exporters = new Map<string, CollectingConsumer>();
  readonly receivers = new Map<string, LogsConsumer>();
  readonly clock = new FakeClock();
  readonly logged: string[] = [];
  failOnStart = "";
  findingIn = "";
  privateIn = "";

  configured<Factory>(kind: ComponentKind, type: string): ConfiguredComponent<Factory> {
    const lifecycle = {
      start: async () => {
        this.events.push(`start ${type}`);
        if (type === this.failOnStart) throw new AgentError("storage.locked", "in use");
      },
      shutdown: async () => {
        this.events.push(`stop ${type}`);
      },
    };
    const create = (_config: never, _settings: unknown, next: LogsConsumer) => {
      if (kind === "receiver") this.receivers.set(type, next);
      if (kind === "exporter") {
        const consumer = new CollectingConsumer();
        this.exporters.set(type, consumer);
        return Object.assign(consumer, lifecycle);
      }
      const consumeLogs = (incoming: typeof batch) =>
        next.consumeLogs(
          mapRecords(incoming, (record) =>
            record.body === this.findingIn
              ? record.with(record.body, {}, [
                  { root: "body", path: [], entity: "email", start: 0, end: 3 },
                ])
              : record.with(`${record.body} ${type}`, {}),
          ),
        );
      return { ...lifecycle, consumeLogs };
    };
    const counts = type === this.privateIn ? { countsArePrivate: true } : {};
    const common = { kind, type, aliases: [], description: "", configSchema: z.never(), create };
    const factory = { ...common, ...counts };
    return { id: { kind, type, name: "" }, factory: factory as Factory, config: {} };
  }

  async build(t: import("node:test").TestContext, pipelines: GraphPlan["pipelines"]) {
    const ids = (key: "receivers" | "processors" | "exporters") =>
      new Set(pipelines.flatMap((pipeline) => pipeline[key]));
    const map = <Factory>(kind: ComponentKind, names: Set<string>) =>
      new Map([...names].map((name) => [name, this.configured<Factory>(kind, name)]));
    const settings = await testSettings(t, { clock: this.clock });
    const count = (name: string) => (records: number) =>
      this.counts.set(name, (this.counts.get(name) ?? 0) + records);
    const environment: GraphEnvironment = {
      clock: this.clock,
      logger: { ...settings.logger, warn: (message) => this.logged.push(message) },
      loggerFor: () => settings.logger,
      settingsFor: () => settings,
      reportStatus: (id, _pipeline, status) => this.events.push(`${id.type} is ${status}`),
      instruments: {
        receiverAccepted: (id, n) => count(`accepted ${id.type}`)(n),
        receiverRefused: (id, n) => count(`refused ${id.type}`)(n),
        processorIncoming: (id, pipeline, n) => count(`in ${id.type} ${pipeline}`)(n),
        processorOutgoing: (id, pipeline, n) => count(`out ${id.type} ${pipeline}`)(n),
        exporterSent: (id, n) => count(`sent ${id.type}`)(n),
        exporterFailed: (id, n) => count(`failed ${id.type}`)(n),
        withheld: (pipeline, reason, n) => count(`withheld ${pipeline} ${reason}`)(n),
        observeBranches: () => {},
      },
    };
    const plan: GraphPlan = {
      receivers: map<AnyReceiverFactory>("receiver", ids("receivers")),
      processors: map<AnyProcessorFactory>("processor", ids("processors")),
      exporters: map<AnyExporterFactory>("exporter", ids("exporters")),
      pipelines,
    };
    return Graph.build(plan, environment);
  }
}

const pipeline = (id: string, receivers: string, processors: string, exporters: string) => ({
  id,
  receivers: receivers.split(" "),
  processors: processors === "" ? [] : processors.split(" "),
  exporters: exporters.split(" "),
});

test("leads a receiver through every pipeline, and shares an exporter", async (t) => {
  const bench = new Bench();
  const graph = await bench.build(t, [
    pipeline("logs/a", "files", "first second", "archive"),
    pipeline("logs/b", "files otlp", "first", "archive backend"),
  ]);
  await graph.start();
  await bench.receivers.get("files")!.consumeLogs(batch);
  await bench.receivers.get("otlp")!.consumeLogs(batch);
  assert.deepEqual(
    bench.exporters
      .get("archive")!
      .records.map((record) => record.body)
      .toSorted(),
    ["one first", "one first", "one first second", "two first", "two first", "two first second"],
  );
  assert.equal(bench.exporters.get("backend")!.records.length, 4);
  assert.equal(bench.counts.get("accepted files"), 2);
  assert.equal(bench.counts.get("in first logs/b"), 4);
  assert.equal(bench.counts.get("out second logs/a"), 2);
  assert.equal(bench.counts.get("sent archive"), 6);
  await graph.shutdown(AbortSignal.timeout(1000));
});

test("counts no records before a processor whose counts are private", async (t) => {
  const bench = new Bench();
  bench.privateIn = "noise";
  const graph = await bench.build(t, [
    pipeline("one", "alone shared", "filter noise seal", "out"),
    pipeline("two", "shared", "filter", "out"),
  ]);
  await graph.start();
  for (const receiver of ["alone", "shared"]) {
    await bench.receivers.get(receiver)!.consumeLogs(batch);
  }
  assert.deepEqual(Object.fromEntries([...bench.counts].sort()), {
    "accepted shared": 2,
    "in filter two": 2,
    "in seal one": 4,
    "out filter two": 2,
    "out seal one": 4,
    "sent out": 6,
  });
  await graph.shutdown(new AbortController().signal);
});

test("starts from the exporters backwards and stops from the receivers forwards", async (t) => {
  const bench = new Bench();
  const graph = await bench.build(t, [pipeline("logs", "files", "first second", "archive")]);
  await graph.start();
  await graph.shutdown(AbortSignal.timeout(1000));
  assert.deepEqual(
    bench.events.filter((event) => event.startsWith("st")),
    [
      ...["archive", "second", "first", "files"].map((type) => `start ${type}`),
      ...["files", "first", "second", "archive"].map((type) => `stop ${type}`),
    ],
  );
});

test("stops what it had started when a component cannot start", async (t) => {
  const bench = new Bench();
  bench.failOnStart = "first";
  const graph = await bench.build(t, [pipeline("logs", "files", "first", "archive")]);
  await assert.rejects(graph.start(), { code: "storage.locked" });
  assert.deepEqual(
    bench.events.filter((event) => event.startsWith("st")),
    ["start archive", "start first", "stop first", "stop archive"],
  );
  assert.ok(bench.events.includes("first is failed"));
});

test("withholds a record with an untreated finding, whatever the configuration says", async (t) => {
  const bench = new Bench();
  bench.findingIn = "two";
  const graph = await bench.build(t, [pipeline("logs", "files", "first", "archive")]);
  await graph.start();
  await bench.receivers.get("files")!.consumeLogs(batch);
  assert.deepEqual(
    bench.exporters.get("archive")!.records.map((record) => record.body),
    ["one first"],
  );
  assert.equal(bench.counts.get("withheld logs untreated_finding"), 1);
  await graph.shutdown(AbortSignal.timeout(1000));
});

test("says so when one pipeline's exporter makes the others' receiver wait", async (t) => {
  const bench = new Bench();
  const graph = await bench.build(t, [
    pipeline("logs/a", "files", "", "archive"),
    pipeline("logs/b", "files", "", "backend"),
  ]);
  await graph.start();
  const gate = Promise.withResolvers<void>();
  bench.exporters.get("backend")!.gate = () => gate.promise;
  const delivered = bench.receivers.get("files")!.consumeLogs(batch);
  bench.clock.advance(BLOCKED_AFTER_MS + WATCH_INTERVAL_MS);
  assert.deepEqual(
    [...new Set(bench.logged)],
    ["a branch is blocked and makes its receivers wait"],
  );
  const lines = bench.logged.length;
  bench.clock.advance(5000);
  assert.equal(bench.logged.length, lines, "says it again only when the wait has doubled");
  gate.resolve();
  await delivered;
  await graph.shutdown(AbortSignal.timeout(1000));
});

test("a stopping agent gives an undeliverable batch back to its receiver", async (t) => {
  const bench = new Bench();
  const graph = await bench.build(t, [pipeline("logs", "files", "", "backend")]);
  await graph.start();
  bench.exporters.get("backend")!.gate = async () => {
    throw new AgentError("storage.unwritable", "no room");
  };
  const refused = assert.rejects(bench.receivers.get("files")!.consumeLogs(batch), {
    code: "pipeline.shutting_down",
  });
  await graph.shutdown(AbortSignal.abort());
  await refused;
  assert.equal(bench.counts.get("refused files"), 2);
});
