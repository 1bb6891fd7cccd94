/**
 * One table of faults and what became of every record: `docs/reliability.md`. The oracle numbers
 * each record that was acknowledged, and counts what the backend has of them.
 *
 * The table is compared with the counts of this run; `UPDATE=1` writes it.
 */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { configSchema } from "../../exporters/otlp_http/config.ts";
import { OtlpHttpExporter } from "../../exporters/otlp_http/otlp_http.ts";
import type { Behaviour } from "../../exporters/otlp_http/test_backend.ts";
import { TestBackend } from "../../exporters/otlp_http/test_backend.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { queueOptions } from "../../src/lib/sending/config.ts";
import { DurableQueue } from "../../src/pipeline/queue/durable_queue.ts";
import type { TestSettings } from "../../src/testing/test_settings.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { ROOT } from "../support/agent.ts";

const BATCHES = 40;
const RECORDS = 5;
const PAGE = join(ROOT, "docs/reliability.md");
const MARKS = ["<!-- table -->\n", "<!-- /table -->"] as const;

interface Scenario {
  readonly fault: string;
  /** What the backend does with request `index` (from 0). */
  readonly judge?: (index: number) => Behaviour;
  /** Done to the files while the agent is stopped and everything waits. */
  readonly damage?: (folder: string) => Promise<void>;
}

const OK: Behaviour = { status: 200 };
const every = (step: number, fault: Behaviour) => (index: number) =>
  index % step === step - 1 ? fault : OK;
const again = { "retry-after": "0" };

const scenarios: readonly Scenario[] = [
  { fault: "none", judge: () => OK },
  { fault: "down at first, and the agent is restarted", damage: async () => {} },
  { fault: "flapping: every other request 503", judge: every(2, { status: 503 }) },
  { fault: "every third request 429", judge: every(3, { status: 429, headers: again }) },
  { fault: "closes the connection before its answer", judge: every(4, "cut") },
  { fault: "closes the connection inside of its answer", judge: every(4, "cut_answer") },
  { fault: "gives no answer to every twentieth request", judge: every(20, "hang") },
  { fault: "refuses every tenth request with 400", judge: every(10, { status: 400 }) },
  { fault: "a byte of a waiting batch is changed", damage: (folder) => flipByte(folder, 0.5) },
  { fault: "20 bytes are cut off the last waiting batch", damage: cutTail },
  { fault: "the cursor is changed", damage: changeCursor },
];

async function segmentIn(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".queue")).sort();
  return join(folder, names[0]!);
}

async function flipByte(folder: string, place: number): Promise<void> {
  const path = await segmentIn(folder);
  const content = await readFile(path);
  const at = Math.floor(content.length * place);
  content[at] = content[at]! ^ 0xff;
  await writeFile(path, content);
}

async function cutTail(folder: string): Promise<void> {
  const path = await segmentIn(folder);
  const content = await readFile(path);
  await writeFile(path, content.subarray(0, content.length - 20));
}

async function changeCursor(folder: string): Promise<void> {
  await writeFile(join(folder, "cursor.json"), '{"done":1000,"above":[],"next":1000}\n00\n');
}

async function startQueue(t: TestContext, url: string, root: string) {
  const settings = await testSettings(t, { kind: "exporter", type: "otlp_http", root });
  const config = configSchema.parse({
    endpoint: url,
    timeout: "500ms",
    retry_on_failure: { initial_interval: "5ms", max_interval: "5ms" },
    sending_queue: { storage: "file_storage", num_consumers: 1 },
  });
  const exporter = new OtlpHttpExporter(config, settings);
  const options = queueOptions(config.sending_queue)!;
  const queue = new DurableQueue({ options, settings, exporter, next: exporter });
  await queue.start();
  t.after(() => queue.shutdown(AbortSignal.abort()));
  return { queue, settings };
}

async function fill(queue: DurableQueue): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch++) {
    const numbers = Array.from({ length: RECORDS }, (_, index) => batch * RECORDS + index);
    await queue.consumeLogs({ records: numbers.map((number) => new LogRecord({ body: number })) });
  }
}

const sumOf = ({ logged }: TestSettings, message: string, key: string): number =>
  logged
    .filter((line) => line.message.startsWith(message))
    .reduce((sum, { attributes }) => sum + Number(attributes[key] ?? 0), 0);

async function rowOf(t: TestContext, { fault, judge, damage }: Scenario): Promise<string> {
  const root = await temporaryDirectory(t);
  const backend = await TestBackend.start(t);
  let requests = 0;
  backend.judge = () => (judge ?? (() => OK))(requests++);
  // With damage, everything first waits for a backend that is not there.
  const down = "http://127.0.0.1:1";
  let { queue, settings } = await startQueue(t, damage === undefined ? backend.url : down, root);
  await fill(queue);
  if (damage !== undefined) {
    await queue.shutdown(AbortSignal.abort());
    await damage(join(await settings.stateDirectory(), "queue"));
    ({ queue, settings } = await startQueue(t, backend.url, root));
  }
  const total = BATCHES * RECORDS;
  const refused = (): number => sumOf(settings, "the exporter refused", "records");
  const damaged = (): number =>
    sumOf(settings, "a batch of the queue is damaged", "records") +
    sumOf(settings, "batches of the queue are damaged", "batches") * RECORDS;
  const arrived = (): Set<unknown> => new Set(acceptedBy(backend));
  await waitUntil(`every record has a fate: ${fault}`, () => {
    return arrived().size + refused() + damaged() >= total;
  });
  await queue.shutdown(AbortSignal.timeout(5000));
  const told = damaged();
  const silent = total - arrived().size - refused() - told;
  assert.equal(silent, 0, fault);
  const twice = acceptedBy(backend).length - arrived().size;
  const cells = [fault, total, arrived().size, twice, refused(), told, silent];
  return `| ${cells.join(" | ")} |`;

  function acceptedBy({ received }: TestBackend): unknown[] {
    return received.flatMap(({ records }, index) =>
      isStatus(judge?.(index), 300) ? [] : records.map(({ body }) => body),
    );
  }
}

/** Did the backend say no? What it cut off or left unanswered, it has. */
function isStatus(behaviour: Behaviour | undefined, least: number): boolean {
  return typeof behaviour === "object" && behaviour.status >= least;
}

test("every record has a fate that is told, and the table says which", async (t) => {
  const head = [
    "| fault | acknowledged | arrived | of these twice | refused, kept | damaged, told | silent |",
    "|---|---|---|---|---|---|---|",
  ];
  const rows: string[] = [];
  for (const scenario of scenarios) rows.push(await rowOf(t, scenario));
  const table = `${[...head, ...rows].join("\n")}\n`;
  const page = await readFile(PAGE, "utf8");
  const [start, end] = [page.indexOf(MARKS[0]) + MARKS[0].length, page.indexOf(MARKS[1])];
  const fresh = page.slice(0, start) + table + page.slice(end);
  if (process.env.UPDATE === "1") await writeFile(PAGE, fresh);
  else assert.equal(page, fresh, "run UPDATE=1 node --test test/faults/delivery_table.test.ts");
});
