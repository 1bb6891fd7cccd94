/**
 * Many hosts and one gateway: hosts send what is needed, with tokens for people, and the gateway
 * alone counts, bounds and adds noise.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, runVouchsafe, startAgent } from "../support/agent.ts";

/** Seen by both hosts, and by the second alone. */
const PEOPLE = 300;
const ONLY_SECOND = 60;

interface Row {
  readonly body?: { readonly stringValue?: string };
  readonly attributes: readonly {
    readonly key: string;
    readonly value: { readonly intValue?: string | number; readonly stringValue?: string };
  }[];
}

/** Takes what the gateway releases. */
async function startBackend(t: TestContext): Promise<{ rows: () => Row[]; endpoint: string }> {
  const all: Row[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const text = String(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body);
    for (const { scopeLogs } of JSON.parse(text).resourceLogs) {
      for (const { logRecords } of scopeLogs) all.push(...logRecords);
    }
    response.end("{}");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    rows: () => all,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
}

interface Host {
  readonly name: string;
  /** Its log names so many people once. */
  readonly people: number;
  readonly keys: string;
  readonly port: number;
}

async function startHost(t: TestContext, { name, people, keys, port }: Host): Promise<void> {
  const directory = await temporaryDirectory(t);
  const log = join(directory, "access.log");
  const lines = Array.from({ length: people }, (_, person) =>
    JSON.stringify({ "user.id": `person-${person}`, path: `/secret/of/${name}` }),
  );
  await writeFile(log, `${lines.join("\n")}\n`);
  const config = {
    receivers: {
      file_log: { include: [log], start_at: "beginning", operators: [{ type: "json_parser" }] },
    },
    processors: {
      minimize: {
        attributes: { allow: ["user.id"] },
        resource_attributes: { allow: [] },
        body: { drop: true },
      },
      tokenize: { domain: "site", keys: { directory: keys }, attributes: ["user.id"] },
    },
    exporters: { otlp_http: { endpoint: `http://127.0.0.1:${port}` } },
    extensions: { health_check: { endpoint: "127.0.0.1:0" } },
    service: {
      extensions: ["health_check"],
      state_directory: join(directory, "state"),
      telemetry: { metrics: { level: "none" } },
      pipelines: {
        logs: {
          receivers: ["file_log"],
          processors: ["minimize", "tokenize"],
          exporters: ["otlp_http"],
        },
      },
    },
  };
  const path = join(directory, "host.yaml");
  await writeFile(path, JSON.stringify(config));
  await startAgent(t, path);
}

test("one who is seen by two hosts counts once, with one noise, at the gateway", async (t) => {
  const directory = await temporaryDirectory(t);
  const keys = join(directory, "keys");
  assert.equal((await runVouchsafe(t, ["keys", "generate", "token", "-d", keys])).code, 0);
  const [port] = (await freePorts(1)) as [number];
  const { rows, endpoint } = await startBackend(t);
  const gateway = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    processors: {
      dp_window: {
        dataset: "site",
        unit: { attribute: "user.id" },
        budget: { epsilon: "50" },
        window: { size: "1s", close_after: "0s", max_future_skew: "10s", release_tick: "100ms" },
        contribution: { max_cells_per_period: 1, max_tracked_units: 1000 },
        metrics: [{ name: "users", kind: "distinct_units" }],
        host_mode: "gateway",
      },
    },
    exporters: { otlp_http: { endpoint, encoding: "json" } },
    extensions: { health_check: { endpoint: "127.0.0.1:0" } },
    service: {
      extensions: ["health_check"],
      state_directory: join(directory, "state"),
      telemetry: { metrics: { level: "none" } },
      pipelines: {
        logs: { receivers: ["otlp"], processors: ["dp_window"], exporters: ["otlp_http"] },
      },
    },
  };
  const path = join(directory, "gateway.yaml");
  await writeFile(path, JSON.stringify(gateway));
  await startAgent(t, path);
  await startHost(t, { name: "one", people: PEOPLE, keys, port });
  await startHost(t, { name: "two", people: PEOPLE + ONLY_SECOND, keys, port });
  const users = (): number[] =>
    rows()
      .filter(({ body }) => body?.stringValue === "dp.window")
      .map(({ attributes }) =>
        Number(attributes.find(({ key }) => key === "dp.value")?.value.intValue),
      );
  const total = (): number => users().reduce((sum, each) => sum + each, 0);
  await waitUntil("all people", () => total() > PEOPLE + ONLY_SECOND - 20, 60_000);
  const windows = users().length;
  await waitUntil("one more window", () => users().length > windows, 60_000);
  assert.ok(Math.abs(total() - PEOPLE - ONLY_SECOND) < 20, `${total()} people`);
  const claim = rows()[0]!.attributes.find(({ key }) => key === "dp.claim")!.value.stringValue;
  assert.match(claim!, /hosts do not where all of them send their records to this agent/);
  assert.doesNotMatch(JSON.stringify(rows()), /secret|person-/);
});
