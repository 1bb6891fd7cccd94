/**
 * Makes each change of the registry a record of the pipeline.
 *
 * Invariant: at least once. A change is noted as recorded only after every exporter of the pipeline
 * has its record durably; after a crash in between it is recorded again.
 */
import { join } from "node:path";
import type { LogsConsumer } from "../../src/component/component.ts";
import { describeError, isPermanent } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import type { Change, Recorded } from "./change.ts";
import { baselineRecord, changeRecord, changesBetween, snapshotOf } from "./change.ts";
import { digestOf, readRecorded, writeRecorded } from "./recorded_file.ts";
import type { Registry } from "./registry.ts";

const RECORDS_PER_BATCH = 500;
const RETRY_MS = 60_000;

export interface RecorderOptions {
  readonly purposes: readonly string[];
  readonly hide: (subject: string) => string;
  /** Told of each change that was delivered. */
  readonly onRecorded: (change: Change) => void;
}

export class ChangeRecorder {
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #options: RecorderOptions;
  readonly #scope: string;
  #path = "";
  #recorded: Recorded | undefined;
  /** The newest registry whose changes are not recorded. */
  #waiting: Registry | undefined;
  #running: Promise<void> | undefined;
  #cancelRetry: CancelTimer = () => {};
  #stopped = false;

  constructor(settings: Settings, next: LogsConsumer, options: RecorderOptions) {
    this.#settings = settings;
    this.#next = next;
    this.#options = options;
    this.#scope = options.hide(options.purposes.toSorted().join(" "));
  }

  /** Throws `storage.corrupt`. */
  async start(): Promise<void> {
    this.#path = join(await this.#settings.stateDirectory(), "recorded.json");
    this.#recorded = await readRecorded(this.#path, this.#scope);
  }

  /** Returns at once; what changed is recorded as fast as the pipeline takes it. */
  note(registry: Registry): void {
    this.#waiting = registry;
    this.#cancelRetry();
    if (!this.#stopped) this.#running ??= this.#run();
  }

  /** Waits for the records under way until `deadline` aborts. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry();
    if (this.#running === undefined || deadline.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    deadline.addEventListener("abort", () => resolve(), { once: true });
    await Promise.race([this.#running, promise]);
  }

  async #run(): Promise<void> {
    while (this.#waiting !== undefined && !this.#stopped) {
      const registry = this.#waiting;
      this.#waiting = undefined;
      try {
        await this.#record(registry);
      } catch (error) {
        this.#waiting ??= registry;
        this.#retryLater(error);
        break;
      }
    }
    this.#running = undefined;
  }

  async #record(registry: Registry): Promise<void> {
    const { purposes, hide, onRecorded } = this.#options;
    const { clock } = this.#settings;
    const after = snapshotOf(registry, purposes, hide);
    if (this.#recorded === undefined) {
      const baseline = baselineRecord(after.size, digestOf(after), clock.nowUnixNano());
      await this.#next.consumeLogs({ records: [baseline] });
    } else {
      const changes = [...changesBetween(this.#recorded, after, clock.nowMs())];
      if (changes.length === 0) return;
      for (let from = 0; from < changes.length; from += RECORDS_PER_BATCH) {
        const some = changes.slice(from, from + RECORDS_PER_BATCH);
        const nowUnixNano = clock.nowUnixNano();
        const records = some.map((change) => changeRecord(change, nowUnixNano));
        await this.#next.consumeLogs({ records });
        for (const change of some) this.#accept(change);
        for (const change of some) onRecorded(change);
      }
    }
    await writeRecorded(this.#path, this.#scope, after);
    this.#recorded = after;
  }

  /** What was delivered is not delivered again when a later batch fails. */
  #accept({ key, entries }: Change): void {
    if (entries.length === 0) this.#recorded!.delete(key);
    else this.#recorded!.set(key, entries);
  }

  #retryLater(error: unknown): void {
    if (this.#stopped) return;
    this.#settings.logger.error("changes of consent could not be recorded", {
      error: describeError(error),
      permanent: isPermanent(error),
      next_try_s: RETRY_MS / 1000,
    });
    this.#cancelRetry = this.#settings.clock.setTimer(RETRY_MS, () => {
      if (!this.#stopped) this.#running ??= this.#run();
    });
  }
}
