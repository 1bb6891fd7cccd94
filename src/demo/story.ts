/** What the demo tells, step by step: each step waits until it has something real to show. */
import { cp, open, readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import type { LogRecord } from "../data/log_record.ts";
import type { Backend } from "./backend.ts";
import type { Traffic } from "./customers.ts";
import { startProgram } from "./processes.ts";
import { MAIN } from "./program_files.ts";

const STATUS_INTERVAL_MS = 10_000;
/** Longer than it takes from a request to its place under a published checkpoint. */
const REST_MS = 3000;
const SAMPLES = 2;

export interface Scene {
  readonly accessLog: string;
  readonly archive: string;
  readonly identity: string;
  readonly metricsPort: number;
  readonly port: number;
  readonly backend: Backend;
  readonly traffic: Traffic;
}

export class Story {
  readonly #out: Writable;
  readonly #directory: string;
  #scene: Scene | undefined;
  #step = 0;

  constructor(out: Writable, directory: string) {
    this.#out = out;
    this.#directory = relative(process.cwd(), directory);
  }

  begin(): void {
    this.#line(styleText("bold", "vouchsafe demo"));
    this.#line("Everything runs on this machine; nothing is sent anywhere else.");
  }

  async tell(scene: Scene): Promise<void> {
    this.#scene = scene;
    this.#heading("A shop under traffic, and the agent with config/default.yaml beside it");
    this.#line(`shop        http://127.0.0.1:${scene.port} (plain HTTP, made-up customers)`);
    this.#line(`it writes   ${scene.accessLog}, and OTLP logs with the OpenTelemetry SDK`);
    this.#line(`metrics     http://127.0.0.1:${scene.metricsPort}/metrics`);
    await this.#showBeforeAndAfter(scene);
    await this.#showFindings(scene);
    await this.#showNumbers(scene);
    const whole = await this.#showArchive(scene);
    if (whole) await this.#showTampering(scene);
  }

  /** A line of status now and then, until the signal. */
  async keepTelling(signal: AbortSignal): Promise<void> {
    const scene = this.#scene!;
    this.#line("");
    this.#line(
      styleText("bold", "It goes on until you press Ctrl-C. Meanwhile, in another terminal:"),
    );
    this.#suggestions();
    this.#line("");
    while (!signal.aborted) {
      await waitFor(STATUS_INTERVAL_MS, signal);
      if (signal.aborted) break;
      const { answered } = scene.traffic;
      const sealed = await this.#sealedRecords(scene);
      const released = scene.backend.numbers.at(-1);
      const number = released === undefined ? "" : `   last count: ${formatNumber(released)}`;
      this.#line(`${answered} requests answered   ${sealed} records sealed${number}`);
    }
  }

  stopping(): void {
    this.#line("");
    this.#line("stopping: the agent delivers what is under way and seals the archive ...");
  }

  end(): void {
    this.#line(`Stopped. Everything is still in ${this.#directory}/ for you to look at:`);
    this.#suggestions();
  }

  async #showBeforeAndAfter({ accessLog, backend }: Scene): Promise<void> {
    const isPayment = ({ body }: LogRecord): boolean => String(body).startsWith("payment");
    const arrivedLines = (): LogRecord[] =>
      backend.records.filter(({ attributes }) => "log.file.name" in attributes);
    await until(() => arrivedLines().length >= 40 && backend.records.some(isPayment));
    const written = (await readFile(accessLog, "utf8")).split("\n");
    this.#heading("Before and after: what the shop wrote, and what left the agent");
    // Lines arrive in the order of the file; those with an e-mail address show the most.
    const arrived = arrivedLines();
    const telling = arrived.flatMap((_, index) =>
      written[index]?.includes("email=") ? index : [],
    );
    for (const index of telling.slice(0, SAMPLES)) {
      this.#line(`${styleText("red", "before")}  ${written[index]}`);
      this.#line(`${styleText("green", "after ")}  ${String(arrived[index]!.body)}`);
    }
    const payment = backend.records.find(isPayment);
    this.#line(`${styleText("green", "after ")}  ${String(payment?.body)}   (by OTLP)`);
  }

  async #showFindings(scene: Scene): Promise<void> {
    let found: [string, number][] = [];
    await until(async () => {
      found = await readFindings(scene.metricsPort);
      return found.length > 0;
    });
    this.#heading("What was found so far, by kind");
    for (const [entity, count] of found) this.#line(`${entity.padEnd(18)} ${count}`);
  }

  async #showNumbers({ backend }: Scene): Promise<void> {
    await until(() => backend.numbers.some(isWhole));
    this.#heading("The first private count: noisy numbers, never people");
    const [first] = backend.numbers.filter(isWhole);
    const sameWindow = ({ attributes }: LogRecord): boolean =>
      attributes["dp.window.start"] === first?.attributes["dp.window.start"];
    for (const record of backend.numbers.filter(sameWindow)) this.#line(formatNumber(record));
    this.#line(styleText("dim", String(first?.attributes["dp.claim"])));
  }

  async #showArchive(scene: Scene): Promise<boolean> {
    await until(async () => (await this.#sealedRecords(scene)) > 0);
    this.#heading("The sealed archive, checked while it grows");
    const { output, code } = await vouchsafe(["verify", scene.archive, "-i", scene.identity]);
    this.#command(`vouchsafe verify ${scene.archive} -i ${scene.identity}`, output, code);
    return code === 0;
  }

  async #showTampering(scene: Scene): Promise<void> {
    const copy = join(this.#directory, "tampered-copy");
    // The shop is closed for a moment, so that the copy is of an archive at rest.
    scene.traffic.paused = true;
    await waitFor(REST_MS, undefined);
    await cp(scene.archive, copy, { recursive: true });
    scene.traffic.paused = false;
    const { path, offset } = await flipByte(join(copy, "blocks", "default"));
    this.#heading("One bit of a copy is flipped");
    this.#line(`${path}, byte ${offset}`);
    const { output, code } = await vouchsafe(["verify", copy]);
    this.#command(`vouchsafe verify ${copy}`, output, code);
  }

  async #sealedRecords({ archive }: Scene): Promise<number> {
    const { output } = await vouchsafe(["verify", archive, "--json"]);
    try {
      return (JSON.parse(output) as { records?: number }).records ?? 0;
    } catch {
      return 0;
    }
  }

  #suggestions(): void {
    const { archive, identity } = this.#scene ?? { archive: "ARCHIVE", identity: "IDENTITY" };
    this.#line(`  npx vouchsafe verify ${archive}`);
    this.#line(`  npx vouchsafe read ${archive} -i ${identity} | head -3`);
    this.#line("  npx vouchsafe validate -c config/default.yaml --allow-missing-env");
  }

  #heading(text: string): void {
    this.#step++;
    this.#line("");
    this.#line(styleText("bold", `${this.#step}  ${text}`));
  }

  #command(text: string, output: string, code: number): void {
    this.#line(styleText("dim", `$ ${text}`));
    for (const line of output.trimEnd().split("\n")) this.#line(`  ${line}`);
    this.#line(styleText("dim", `exit code ${code}`));
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }
}

/** Findings by entity, from the agent's own metrics. */
async function readFindings(metricsPort: number): Promise<[string, number][]> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  const counts = new Map<string, number>();
  for (const line of (await response.text()).split("\n")) {
    const match = /^vouchsafe_pii_findings.*entity="([^"]+)".* (\d+)/.exec(line);
    if (match === null) continue;
    counts.set(match[1]!, (counts.get(match[1]!) ?? 0) + Number(match[2]));
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** `06:49:35 to 06:49:40   requests   412 ± 58 (95 %)` */
function formatNumber({ attributes }: LogRecord): string {
  const text = (key: string): string => String(attributes[key] ?? "");
  const time = (key: string): string => text(key).slice(11, 19);
  const value = Number(attributes["dp.value"]);
  const margin = Math.round(Number(attributes["dp.ci.high"]) - value);
  const level = Math.round(100 * Number(attributes["dp.ci.level"]));
  const window = `${time("dp.window.start")} to ${time("dp.window.end")}`;
  return `${window}   ${text("dp.metric").padEnd(9)} ${value} ± ${margin} (${level} %)`;
}

/** A window that the agent saw from its beginning to its end. */
function isWhole({ attributes }: LogRecord): boolean {
  return attributes["dp.status"] === "ok";
}

/** Flips the lowest bit of the middle byte of the first segment in a zone's folder. */
async function flipByte(zone: string): Promise<{ path: string; offset: number }> {
  const name = (await readdir(zone)).filter((file) => file.endsWith(".blk")).sort()[0]!;
  const path = join(zone, name);
  const handle = await open(path, "r+");
  const { size } = await handle.stat();
  const offset = Math.floor(size / 2);
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, offset);
  byte[0]! ^= 1;
  await handle.write(byte, 0, 1, offset);
  await handle.close();
  return { path, offset };
}

async function vouchsafe(words: readonly string[]): Promise<{ output: string; code: number }> {
  const program = startProgram("vouchsafe", [MAIN, ...words], {});
  const code = await program.ended;
  return { output: program.output(), code };
}

const POLL_MS = 100;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await waitFor(POLL_MS, undefined);
}

function waitFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener(
    "abort",
    () => {
      clearTimeout(timer);
      resolve();
    },
    { once: true },
  );
  return promise;
}
