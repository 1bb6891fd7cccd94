/**
 * A backend that is down, slow or cut off in the middle of answers, and an agent with a durable
 * queue that is killed meanwhile. The oracle is the list of numbered lines that were written: each
 * of them must arrive, and none that was not written may.
 */
import assert from "node:assert/strict";
import { appendFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { TestBackend } from "../../exporters/otlp_http/test_backend.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, startAgent } from "../support/agent.ts";
import type { Site } from "../support/site.ts";
import { makeSite } from "../support/site.ts";

const LINES = 300;

async function siteWithQueue(t: import("node:test").TestContext, port: number): Promise<Site> {
  const site = await makeSite(t, (directory) => ({
    receivers: {
      file_log: {
        include: [join(directory, "app.log")],
        start_at: "beginning",
        poll_interval: "50ms",
      },
    },
    exporters: {
      otlp_http: {
        endpoint: `http://127.0.0.1:${port}`,
        timeout: "2s",
        retry_on_failure: { initial_interval: "50ms", max_interval: "200ms" },
        sending_queue: { storage: "file_storage", num_consumers: 2 },
      },
    },
    fileStorage: join(directory, "storage"),
    pipelines: { logs: { receivers: ["file_log"], exporters: ["otlp_http"] } },
  }));
  await writeFile(join(site.directory, "app.log"), "");
  return site;
}

async function write(site: Site, from: number, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, index) => `line ${from + index}\n`);
  await appendFile(join(site.directory, "app.log"), lines.join(""));
}

const numbersOf = (backend: TestBackend): Set<number> =>
  new Set(backend.records.map(({ body }) => Number(String(body).slice(5))));

function assertAll(backend: TestBackend, count: number): void {
  const numbers = numbersOf(backend);
  const missing = Array.from({ length: count }, (_, index) => index).filter(
    (index) => !numbers.has(index),
  );
  assert.deepEqual([missing, numbers.size], [[], count]);
}

test("lines written while the backend is down survive kill -9 and arrive", async (t) => {
  const [port] = (await freePorts(1)) as [number];
  const site = await siteWithQueue(t, port);
  const queue = join(site.directory, "storage/otlp_http/queue");
  for (let round = 0; round < 3; round++) {
    const agent = await startAgent(t, site.configPath);
    await write(site, round * LINES, LINES);
    const metrics = `http://127.0.0.1:${site.metricsPort}/metrics`;
    await waitUntil("the queue has them", async () => {
      const text = await (await fetch(metrics)).text();
      const accepted = /^otelcol_receiver_accepted_log_records\{[^}]*\} (\d+)/m.exec(text)?.[1];
      return Number(accepted ?? 0) >= LINES;
    });
    await agent.stop("SIGKILL");
  }
  assert.ok((await readdir(queue)).some((name) => name.endsWith(".queue")));
  const backend = await TestBackend.start(t, port);
  const agent = await startAgent(t, site.configPath);
  await waitUntil("every line arrives", () => numbersOf(backend).size >= 3 * LINES);
  assert.equal((await agent.stop()).code, 0);
  assertAll(backend, 3 * LINES);
});

test("a backend that refuses, hangs up and answers in halves gets every line", async (t) => {
  const backend = await TestBackend.start(t);
  const site = await siteWithQueue(t, backend.port);
  const faults = [{ status: 503 }, "cut", { status: 429 }, "cut_answer", "hang", { status: 502 }];
  let requests = 0;
  backend.judge = () => {
    requests += 1;
    const fault = requests % 2 === 0 ? undefined : faults[(requests >> 1) % faults.length];
    return (fault ?? { status: 200 }) as Awaited<ReturnType<NonNullable<typeof backend.judge>>>;
  };
  const agent = await startAgent(t, site.configPath);
  for (let part = 0; part < 12; part++) {
    await write(site, part * 25, 25);
    const before = requests;
    await waitUntil("it is tried", () => requests > before);
  }
  await waitUntil("every line arrives", () => numbersOf(backend).size >= LINES, 60_000);
  assert.equal((await agent.stop()).code, 0);
  assertAll(backend, LINES);
});
