/**
 * Half of full speed for a while, with rotations and a backend that is down a quarter of the time.
 * The oracle marks every numbered line: each must reach the backend, and the archive once; memory
 * and open files stay as they were.
 *
 * A minute in CI; `npm run test:soak` takes 30, and docs/reliability.md tells what came out.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { appendFile, rename, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { processUsage } from "../bench/process_usage.ts";
import { freePorts, MAIN, startAgent } from "../support/agent.ts";
import type { Site } from "../support/site.ts";
import { makeSite, verifyArchive } from "../support/site.ts";

const SECONDS = Number(process.env.SECONDS ?? 60);
/** Written at once, to learn what full speed is on this machine. */
const CALIBRATION_LINES = 50_000;
const ROTATE_LINES = 200_000;
const TICK_MS = 100;
const FLAP_MS = 20_000;
const DOWN_MS = 5000;
const LINE = /^soak (\d+) /;

test(`${SECONDS} seconds at half speed with rotations and a flapping backend`, {
  timeout: (SECONDS + 900) * 1000,
}, async (t) => {
  const backend = new Oracle();
  const port = await backend.listen(t);
  const site = await makeSite(t, (directory) => siteOf(directory, port));
  const log = join(site.directory, "app.log");
  await writeFile(log, "");
  const agent = await startAgent(t, site.configPath);
  const writer = new Writer(site, log);

  const calibrationStartMs = Date.now();
  await writer.write(CALIBRATION_LINES);
  await waitUntil("the first lines are read", () => writer.isRead(), 120_000);
  const fullSpeed = CALIBRATION_LINES / ((Date.now() - calibrationStartMs) / 1000);
  const perTick = Math.round((fullSpeed / 2 / 1000) * TICK_MS);
  backend.beginFlapping();

  const residentMb: number[] = [];
  const openFiles: number[] = [];
  const startMs = Date.now();
  for (let dueMs = startMs; dueMs < startMs + SECONDS * 1000; dueMs += TICK_MS) {
    await waitUntil("the next tick", () => Date.now() >= dueMs, FLAP_MS);
    await writer.write(perTick);
    if ((dueMs - startMs) % 1000 !== 0) continue;
    residentMb.push(processUsage(agent.child.pid!).residentBytes / 1e6);
    openFiles.push(readdirSync(`/proc/${agent.child.pid}/fd`).length);
  }
  backend.endFlapping();
  const { written } = writer;
  await waitUntil("all is at the backend", () => backend.marks.distinct >= written, 300_000);
  const { code, stderr } = await agent.stop();
  assert.equal(code, 0, stderr);
  await verifyArchive(t, site);
  const sealed = await readMarks(site);

  const [firstMb, lastMb] = thirds(residentMb);
  const [firstFiles, lastFiles] = thirds(openFiles);
  t.diagnostic(
    JSON.stringify({
      seconds: SECONDS,
      linesPerSecond: perTick * (1000 / TICK_MS),
      lines: written,
      rotations: writer.rotations,
      refusedRequests: backend.refused,
      atBackend: backend.marks.distinct,
      inArchive: sealed.distinct,
      twiceInArchive: sealed.repeated,
      residentMb: { first: firstMb, last: lastMb },
      openFiles: { first: firstFiles, last: lastFiles },
    }),
  );
  assert.ok(backend.refused > 0, "the backend was down");
  assert.equal(backend.marks.distinct, written);
  assert.deepEqual([sealed.distinct, sealed.repeated], [written, 0]);
  // A heap that is young still grows.
  assert.ok(lastMb < firstMb * 1.5 + 50, `${firstMb} MB, then ${lastMb} MB`);
  assert.ok(lastFiles < firstFiles + 20, `${firstFiles} open files, then ${lastFiles}`);
});

function siteOf(directory: string, port: number) {
  return {
    receivers: { file_log: { include: [join(directory, "app.log")], start_at: "beginning" } },
    exporters: {
      otlp_http: {
        endpoint: `http://127.0.0.1:${port}`,
        compression: "gzip",
        retry_on_failure: { initial_interval: "100ms", max_interval: "1s" },
        sending_queue: { storage: "file_storage" },
      },
    },
    fileStorage: join(directory, "storage"),
    pipelines: {
      logs: {
        receivers: ["file_log"],
        processors: ["pii_detect", "tokenize", "hmac_chain"],
        exporters: ["otlp_http", "sealed_archive"],
      },
    },
  };
}

/** Writes numbered lines, and renames the file now and then. */
class Writer {
  written = 0;
  rotations = 0;
  readonly #site: Site;
  readonly #log: string;
  #rotatedAt = 0;

  constructor(site: Site, log: string) {
    this.#site = site;
    this.#log = log;
  }

  async write(count: number): Promise<void> {
    if (this.written - this.#rotatedAt >= ROTATE_LINES) await this.#rotate();
    let text = "";
    for (let end = this.written + count; this.written < end; this.written++) {
      const number = this.written;
      const person = number % 20_000;
      const address = `10.${person >> 8}.${person & 255}.${1 + (number % 250)}`;
      text += `soak ${number} GET /cart?user=person${person}@example.com from ${address} in 7 ms\n`;
    }
    await appendFile(this.#log, text);
  }

  /** Has the agent handed on all that was written? */
  async isRead(): Promise<boolean> {
    const url = `http://127.0.0.1:${this.#site.metricsPort}/metrics`;
    const text = await (await fetch(url)).text();
    const line = /^otelcol_receiver_accepted_log_records(?:_total)?\{[^}]*\} (\d+)/m.exec(text);
    return Number(line?.[1] ?? 0) >= this.written;
  }

  async #rotate(): Promise<void> {
    // The file that the rename replaces must have been read.
    await waitUntil("the agent keeps up", () => this.isRead(), 120_000);
    await rm(`${this.#log}.1`, { force: true });
    await rename(this.#log, `${this.#log}.1`);
    this.#rotatedAt = this.written;
    this.rotations += 1;
  }
}

/** Which numbers came, in a bit of memory for each. */
class Marks {
  distinct = 0;
  repeated = 0;
  #seen = new Uint8Array(1 << 20);

  mark(body: string): void {
    const number = Number(LINE.exec(body)?.[1]);
    if (!Number.isInteger(number)) throw new Error("a record that nobody wrote");
    while (number >= this.#seen.length) {
      const larger = new Uint8Array(this.#seen.length * 2);
      larger.set(this.#seen);
      this.#seen = larger;
    }
    if (this.#seen[number] === 1) this.repeated += 1;
    else {
      this.#seen[number] = 1;
      this.distinct += 1;
    }
  }
}

/** A backend that is down for a while, again and again. */
class Oracle {
  readonly marks = new Marks();
  refused = 0;
  #flapsSinceMs: number | undefined;

  async listen(t: TestContext): Promise<number> {
    const server: Server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (this.#isDown()) {
        this.refused += 1;
        // Half of the time the connection breaks.
        if (this.refused % 2 === 0) request.destroy();
        else response.writeHead(503).end();
        return;
      }
      for (const { body } of decodeLogs(gunzipSync(Buffer.concat(chunks))).records) {
        this.marks.mark(String(body));
      }
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    });
    const [port] = (await freePorts(1)) as [number];
    await new Promise<void>((ready) => server.listen(port, "127.0.0.1", ready));
    t.after(() => server.close());
    return port;
  }

  beginFlapping(): void {
    this.#flapsSinceMs = Date.now();
  }

  endFlapping(): void {
    this.#flapsSinceMs = undefined;
  }

  #isDown(): boolean {
    if (this.#flapsSinceMs === undefined) return false;
    return (Date.now() - this.#flapsSinceMs) % FLAP_MS < DOWN_MS;
  }
}

/** Reads the whole archive, a line at a time. */
async function readMarks(site: Site): Promise<Marks> {
  const words = [MAIN, "read", site.archive, "-i", site.identity.path];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const marks = new Marks();
  for await (const line of createInterface({ input: child.stdout })) {
    marks.mark(String((JSON.parse(line) as { body: unknown }).body));
  }
  return marks;
}

/** Means of the first and the last third, rounded. */
function thirds(samples: readonly number[]): [number, number] {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (part: readonly number[]): number =>
    Math.round(part.reduce((sum, sample) => sum + sample, 0) / part.length);
  return [mean(samples.slice(0, third)), mean(samples.slice(-third))];
}
