/**
 * The durable account of one dataset: what was spent, and every finished release.
 *
 * Invariants:
 * - the debit and the noisy values of a release are one entry, and it is on disk before {@link
 *   Ledger.commit} resolves; only then may a byte of it be handed on;
 * - a window of a plan is committed at most once, for ever;
 * - after a write of unknown outcome nothing more is written: the ledger fails closed until it is
 *   opened again and shows what is really there.
 */
import { createHash, randomUUID } from "node:crypto";
import { readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError } from "../../src/component/errors.ts";
import { syncDirectory } from "../../src/lib/durable_file.ts";
import { FrameLog } from "../../src/lib/frame_log.ts";
import { CONTRIBUTIONS_PREFIX } from "./contributions_file.ts";
import type { Debit, LedgerBody, Release, StoredRelease } from "./ledger_state.ts";
import { dayOfWindow, LedgerState } from "./ledger_state.ts";
import type { Spec } from "./spec.ts";

const FILE = "ledger";
const NEXT_FILE = "ledger.next";
/** A longer file is written anew, with what is still needed, when a day begins. */
const COMPACT_BYTES = 1024 * 1024;
/** Debits are kept for the account of a year. */
const KEPT_DAYS = 400;

export type CommitResult = StoredRelease | "exhausted";

export class Ledger {
  readonly #path: string;
  #log: FrameLog;
  #state: LedgerState;
  #failure: unknown;
  #closed = false;
  /** The write under way: one at a time, in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, log: FrameLog, state: LedgerState) {
    this.#path = path;
    this.#log = log;
    this.#state = state;
  }

  /**
   * Opens or begins the ledger of a dataset. The caller holds the lock of the folder. Throws
   * `dp_window.ledger_damaged`, or `dp_window.ledger_lost` when only the ledger is missing.
   */
  static async open(directory: string, dataset: string): Promise<Ledger> {
    const path = join(directory, FILE);
    await rm(join(directory, NEXT_FILE), { force: true });
    const { log, frames } = await unlessDamaged(FrameLog.open(path), dataset);
    try {
      const names = await readdir(directory);
      if (frames.length === 0 && names.some((name) => name.startsWith(CONTRIBUTIONS_PREFIX))) {
        throw new AgentError(
          "dp_window.ledger_lost",
          `${path} has no entries but contributions to dataset ${dataset} are there`,
        );
      }
      const ledger = new Ledger(path, log, LedgerState.from(dataset, frames));
      if (frames.length > 0) return ledger;
      await ledger.#write({ kind: "genesis", dataset, instance: randomUUID() }, true);
      return ledger;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  get state(): LedgerState {
    return this.#state;
  }

  /** Makes a release durable, with the debit if the day is not paid for, or refuses it. */
  commit(release: Release, spec: Spec, contributions: string): Promise<CommitResult> {
    return this.#exclusively(async () => {
      // Before anything is written: an entry that does not fit would spoil the whole ledger.
      const last = this.#state.lastWindow(release.plan, release.revision);
      if (last !== undefined && release.window <= last) {
        throw new Error("a window was to be committed twice or out of order");
      }
      const day = dayOfWindow(release.window, spec.windowMs);
      const debit = debitOf(release, spec, day);
      const paid = this.#state.hasPaid(release.plan, day);
      if (!paid && !this.#state.canPay(debit)) return "exhausted";
      if (!paid && this.#log.sizeBytes > COMPACT_BYTES) await this.#compact(day);
      if (!this.#state.specs.has(release.spec)) {
        await this.#write({ kind: "spec", hash: release.spec, spec }, false);
      }
      const entry: LedgerBody = { kind: "release", release, contributions };
      await this.#write(paid ? entry : { ...entry, debit }, true);
      return this.#state.pending.get(release.id)!;
    });
  }

  /** Notes that a release was handed on. A lost note only means that it is handed on again. */
  delivered(releaseId: string): Promise<void> {
    return this.#exclusively(async () => {
      if (!this.#closed && this.#state.pending.has(releaseId)) {
        await this.#write({ kind: "delivered", release: releaseId }, false);
      }
    });
  }

  close(): Promise<void> {
    return this.#exclusively(async () => {
      if (this.#closed) return;
      this.#closed = true;
      await this.#log.close();
    });
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  async #write(body: LedgerBody, sync: boolean): Promise<void> {
    if (this.#failure !== undefined || this.#closed) throw this.#failed();
    const payload = this.#state.encode(body);
    try {
      await this.#log.append([payload]);
    } catch (error) {
      // A refused append was cut off again and can be repeated.
      if (error instanceof AgentError) throw error;
      this.#failure = error;
      throw this.#failed();
    }
    try {
      if (sync) await this.#log.sync();
    } catch (error) {
      // What is on disk now is anybody's guess; only opening the file again will tell.
      this.#failure = error;
      throw this.#failed();
    }
    this.#state.apply(payload);
  }

  /** Begins a new file with what is still needed; a crash leaves the old or the new one. */
  async #compact(today: number): Promise<void> {
    const next = join(dirname(this.#path), NEXT_FILE);
    const payload = this.#state.encode(this.#state.carry(today - KEPT_DAYS));
    try {
      const { log } = await FrameLog.open(next);
      await log.append([payload]);
      await log.sync();
      await rename(next, this.#path);
      await syncDirectory(dirname(this.#path));
      await this.#log.close();
      this.#log = log;
    } catch (error) {
      this.#failure = error;
      throw this.#failed();
    }
    this.#state = LedgerState.from(this.#state.dataset, [payload]);
  }

  #failed(): AgentError {
    return new AgentError(
      "dp_window.ledger_unwritable",
      `the ledger of dataset ${this.#state.dataset} could not be written; its releases stop`,
      { cause: this.#failure },
    );
  }
}

/**
 * The ledger of a dataset as it stands on disk, for a look from outside: takes no lock and writes
 * nothing, so that it works beside a running agent. A tail that is being written is left out.
 * Throws `dp_window.ledger_damaged`.
 */
export async function readLedger(directory: string, dataset: string): Promise<LedgerState> {
  const path = join(directory, FILE);
  const frames = await unlessDamaged(FrameLog.read(path), dataset);
  return LedgerState.from(dataset, frames);
}

/** What a plan pays for a day: all of it at once. */
export function debitOf(
  { plan, processor }: Pick<Release, "plan" | "processor">,
  spec: Spec,
  day: number,
): Debit {
  const selectionDelta = spec.selection?.delta ?? "0";
  return { plan, processor, day, ...spec.spent, selectionDelta, budget: spec.budget };
}

/** One processor of one installation with one specification. */
export function planOf(instance: string, processor: string, specHash: string): string {
  return sha256(["dp_window plan", instance, processor, specHash]);
}

/** The same for ever for the same window of a plan. */
export function releaseIdOf(
  { plan, spec, window, revision }: Pick<Release, "plan" | "spec" | "window" | "revision">,
  dataset: string,
): string {
  return sha256(["dp_window release", spec, dataset, window, revision, plan]);
}

function sha256(parts: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

async function unlessDamaged<T>(reading: Promise<T>, dataset: string): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    if (!(cause instanceof AgentError) || cause.code !== "storage.corrupt") throw cause;
    throw new AgentError(
      "dp_window.ledger_damaged",
      `the ledger of dataset ${dataset} is damaged: ${cause.message}`,
      { cause },
    );
  }
}
