/**
 * When copies are made. Sealing never waits for a copy: a bucket that cannot be reached is said, and
 * tried again at the next interval.
 */
import type { Counter } from "@opentelemetry/api";
import type { CancelTimer, Settings } from "../../../src/component/settings.ts";
import type { CopyEntry } from "../format/entry.ts";
import type { WantedLock } from "./bucket.ts";
import { Bucket } from "./bucket.ts";
import type { CopyRun } from "./copier.ts";
import { copyNew } from "./copier.ts";
import type { CopyConfig } from "./copy_config.ts";

const FIRST_MS = 5000;
/** An interrupted copy is not sent again for a lock that is a little shorter. */
const ENOUGH = 0.9;

export interface CopyScheduleOptions {
  readonly config: CopyConfig;
  readonly origin: string;
  readonly archive: string;
  readonly stateDirectory: string;
  readonly settings: Pick<Settings, "clock" | "logger" | "meter">;
  /** Has a `copy` entry recorded. */
  readonly record: (entry: Omit<CopyEntry, "v" | "at">) => void;
  /** Undefined: it works. */
  readonly report: (error: unknown) => void;
}

export class CopySchedule {
  readonly #options: CopyScheduleOptions;
  readonly #counters: Record<"objects" | "bytes", Counter>;
  readonly #stopping = new AbortController();
  #cancel: CancelTimer | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CopyScheduleOptions) {
    this.#options = options;
    const counter = (name: string, description: string): Counter =>
      options.settings.meter.createCounter(`vouchsafe.sealed_archive.${name}`, { description });
    this.#counters = {
      objects: counter("copied_objects", "Objects that were copied to a bucket and checked there."),
      bytes: counter("copied_bytes", "Bytes of these objects."),
    };
  }

  start(): void {
    this.#after(Math.min(FIRST_MS, this.#options.config.interval));
  }

  /** Ends a copy that is under way; the next start goes on with it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancel?.();
    await this.#running;
  }

  #after(delayMs: number): void {
    this.#cancel = this.#options.settings.clock.setTimer(delayMs, () => {
      this.#running = this.#run().finally(() => {
        if (!this.#stopping.signal.aborted) this.#after(this.#options.config.interval);
      });
    });
  }

  async #run(): Promise<void> {
    const { config, origin, archive, stateDirectory, report } = this.#options;
    const { bucket: name, prefix = origin, region, endpoint } = config;
    const { signal } = this.#stopping;
    let bucket: Bucket | undefined;
    try {
      bucket = await Bucket.open({ bucket: name, prefix, region, endpoint });
      const lock = this.#lock();
      const run = await copyNew({ archive, stateDirectory, bucket, lock, signal });
      if (run !== undefined) this.#tell(run, bucket.url, lock);
      report(undefined);
    } catch (error) {
      if (!signal.aborted) report(error);
    } finally {
      bucket?.close();
    }
  }

  #lock(): WantedLock | undefined {
    const { config, settings } = this.#options;
    if (config.lock === undefined) return undefined;
    const { mode, retain, legal_hold: legalHold } = config.lock;
    const nowMs = settings.clock.nowMs();
    return {
      mode: mode === "compliance" ? "COMPLIANCE" : "GOVERNANCE",
      untilMs: nowMs + retain,
      enoughMs: nowMs + ENOUGH * retain,
      legalHold,
    };
  }

  #tell(run: CopyRun, to: string, lock: WantedLock | undefined): void {
    const { objects, bytes, size, segments, segmentBytes } = run;
    this.#counters.objects.add(objects);
    this.#counters.bytes.add(bytes);
    this.#options.settings.logger.debug("copied", { to, size, objects, bytes, segments });
    // An entry for each run would be new itself, and be copied for ever.
    if (segments === 0) return;
    const locked = lock && {
      mode: lock.mode === "COMPLIANCE" ? ("compliance" as const) : ("governance" as const),
      until: Math.floor(lock.untilMs),
    };
    this.#options.record({ type: "copy", to, size, segments, bytes: segmentBytes, ...locked });
  }
}
