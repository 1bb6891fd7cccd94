/**
 * The contributions of one day on disk, so that a restart goes on counting within the same bounds.
 *
 * Invariants:
 * - before a release is committed to the ledger, the table as it stood when (or after) its counts
 *   were taken is on disk here, under a mark that the ledger's entry names: a file that lacks that
 *   mark was lost, cut or rolled back, and the day stays silent;
 * - marks are random, so that the ledger's hashes, which are shown to all, depend on no
 *   contribution;
 * - when nothing of the day can be counted any more, the key is overwritten and the file removed.
 */
import { access, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError } from "../../src/component/errors.ts";
import type { RandomSource } from "../../src/component/settings.ts";
import { syncDirectory } from "../../src/lib/durable_file.ts";
import { FrameLog } from "../../src/lib/frame_log.ts";
import { PERIOD_MS } from "./config.ts";
import type { PeriodBounds } from "./period.ts";
import { Period } from "./period.ts";
import { KEY_BYTES } from "./unit_key.ts";

export const CONTRIBUTIONS_PREFIX = "contributions~";
/** More than the first frame, which holds the key. */
const ERASED_BYTES = 4096;
const MARK_BYTES = 16;

interface Header {
  readonly version: 1;
  readonly plan: string;
  readonly day: number;
  readonly key: string;
}

export interface ContributionsPlace {
  readonly directory: string;
  readonly plan: string;
  readonly day: number;
}

export class ContributionsFile {
  readonly #place: ContributionsPlace;
  readonly #period: Period;
  #log: FrameLog | undefined;
  /** Frames that no append has taken yet. */
  #unwritten: Uint8Array[];
  #failed = false;

  private constructor(place: ContributionsPlace, period: Period, log?: FrameLog) {
    this.#place = place;
    this.#period = period;
    this.#log = log;
    this.#unwritten = log === undefined ? [encodeHeader(place, period.key)] : [];
  }

  /** For a day of which nothing is on disk. Writes nothing yet. */
  static begin(place: ContributionsPlace, period: Period): ContributionsFile {
    return new ContributionsFile(place, period);
  }

  /**
   * Continues a day. `committed` is the mark that the ledger's last release of the day names.
   * Undefined: what is on disk is not that day as it was left.
   */
  static async resume(
    place: ContributionsPlace,
    bounds: PeriodBounds,
    committed: string | undefined,
  ): Promise<{ file: ContributionsFile; period: Period } | undefined> {
    const path = pathOf(place);
    let opened: Awaited<ReturnType<typeof FrameLog.open>>;
    try {
      opened = await FrameLog.open(path);
    } catch (error) {
      if (error instanceof AgentError && error.code === "storage.corrupt") return undefined;
      throw error;
    }
    const period = replay(opened.frames, place, bounds, committed);
    if (period !== undefined) {
      return { file: new ContributionsFile(place, period, opened.log), period };
    }
    await opened.log.close();
    return undefined;
  }

  /** Makes the table durable as it is now; gives the mark that the ledger is to name. */
  async write(random: RandomSource): Promise<string> {
    if (this.#failed) throw unwritable(this.#place);
    const mark = new Uint8Array(MARK_BYTES);
    random(mark);
    this.#unwritten.push(Buffer.concat([mark, this.#period.table.takeChanges()]));
    this.#log ??= (await FrameLog.open(pathOf(this.#place))).log;
    await this.#log.append(this.#unwritten);
    this.#unwritten = [];
    try {
      await this.#log.sync();
    } catch (cause) {
      this.#failed = true;
      throw unwritable(this.#place, cause);
    }
    return Buffer.from(mark).toString("hex");
  }

  async close(): Promise<void> {
    await this.#log?.close();
    this.#log = undefined;
  }
}

export async function hasContributions(place: ContributionsPlace): Promise<boolean> {
  return access(pathOf(place)).then(
    () => true,
    () => false,
  );
}

/**
 * Overwrites the key, then removes the file. A journal, a snapshot or a flash cell may still hold
 * the old block; the README says so.
 */
export async function eraseContributions(directory: string, name: string): Promise<void> {
  const path = join(directory, name);
  const handle = await open(path, "r+");
  try {
    await handle.write(new Uint8Array(ERASED_BYTES), 0, ERASED_BYTES, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rm(path);
  await syncDirectory(dirname(path));
}

/** The day in the name of a contributions file, or undefined for another file. */
export function dayOfFile(name: string): number | undefined {
  const [prefix, date] = name.split("~");
  if (`${prefix}~` !== CONTRIBUTIONS_PREFIX || date === undefined) return undefined;
  const day = Date.parse(`${date}T00:00:00Z`) / PERIOD_MS;
  return Number.isInteger(day) ? day : undefined;
}

/** How the names of a plan's files end. */
export function ownSuffix(plan: string): string {
  return `~${plan.slice(0, 16)}`;
}

function pathOf({ directory, plan, day }: ContributionsPlace): string {
  const date = new Date(day * PERIOD_MS).toISOString().slice(0, 10);
  return join(directory, `${CONTRIBUTIONS_PREFIX}${date}${ownSuffix(plan)}`);
}

function encodeHeader({ plan, day }: ContributionsPlace, key: Uint8Array): Uint8Array {
  const header: Header = { version: 1, plan, day, key: Buffer.from(key).toString("hex") };
  return Buffer.from(JSON.stringify(header));
}

function replay(
  frames: readonly Uint8Array[],
  place: ContributionsPlace,
  bounds: PeriodBounds,
  committed: string | undefined,
): Period | undefined {
  const [first, ...changes] = frames;
  const key = first === undefined ? undefined : keyOf(first, place);
  if (key === undefined) return undefined;
  const period = new Period(key, bounds);
  let found = committed === undefined;
  for (const frame of changes) {
    if (!period.table.restore(frame.subarray(MARK_BYTES))) return undefined;
    if (Buffer.from(frame.subarray(0, MARK_BYTES)).toString("hex") === committed) found = true;
  }
  return found ? period : undefined;
}

function keyOf(frame: Uint8Array, place: ContributionsPlace): Uint8Array | undefined {
  try {
    const header = JSON.parse(Buffer.from(frame).toString("utf8")) as Header;
    const key = new Uint8Array(Buffer.from(header.key, "hex"));
    const fits = header.version === 1 && header.plan === place.plan && header.day === place.day;
    return fits && key.length === KEY_BYTES ? key : undefined;
  } catch {
    return undefined;
  }
}

function unwritable(place: ContributionsPlace, cause?: unknown): AgentError {
  return new AgentError("dp_window.ledger_unwritable", `cannot sync ${pathOf(place)}`, { cause });
}
