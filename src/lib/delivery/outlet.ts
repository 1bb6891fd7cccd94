/**
 * The way from single records of a source to the pipelines: gathered into batches, delivered in
 * order, bounded in bytes.
 *
 * Invariant: what was acknowledged to the source's side (`acknowledged`) is everything up to a
 * place, and all of it was accepted or refused for good, which is counted.
 */
import type { LogsConsumer } from "../../component/component.ts";
import type { CancelTimer, Settings } from "../../component/settings.ts";
import type { LogRecord } from "../../data/log_record.ts";
import { ByteBudget } from "./byte_budget.ts";
import { Delivery } from "./delivery.ts";

const RECORDS_PER_BATCH_MAX = 1000;
/** Of all bytes that may be held. */
const GATHERED_SHARE_MAX = 0.25;
/** How long a record may wait for others. */
const GATHER_MS = 100;

export interface OutletOptions<Place> {
  readonly settings: Pick<Settings, "clock" | "logger" | "random" | "id">;
  readonly next: LogsConsumer;
  readonly bytesMax: number;
  readonly retry: { readonly initial_interval: number; readonly max_interval: number };
  /** Counts records that were refused for good. */
  readonly refused: (records: number) => void;
  readonly acknowledged?: (place: Place) => void;
}

/** Where a record lies in a source that can be read again; see `BatchSource`. */
export interface Origin {
  readonly id: string;
  readonly position: number;
}

interface Gathering<Place> {
  readonly records: LogRecord[];
  readonly id: string;
  readonly positions: number[];
  bytes: number;
  place: Place;
}

export class Outlet<Place = undefined> {
  readonly #clock: Settings["clock"];
  readonly #bytesMax: number;
  readonly #budget: ByteBudget;
  readonly #delivery: Delivery<Place>;
  /** For records of sources that nobody can read again: an offer that is repeated is one batch. */
  readonly #ownId: string;
  #count = 0;
  #gathering: Gathering<Place> | undefined;
  #cancelTimer: CancelTimer | undefined;

  constructor({ settings, next, bytesMax, retry, refused, acknowledged }: OutletOptions<Place>) {
    this.#clock = settings.clock;
    this.#bytesMax = bytesMax;
    this.#budget = new ByteBudget(bytesMax);
    const run = Buffer.alloc(16);
    settings.random(run);
    this.#ownId = `${settings.id.type}:${run.toString("hex")}`;
    this.#delivery = new Delivery<Place>(
      {
        next,
        clock: settings.clock,
        retryInitialMs: retry.initial_interval,
        retryMaxMs: retry.max_interval,
        released: (bytes) => this.#budget.give(bytes),
        refused: (records, error) => {
          refused(records);
          const { logger } = settings;
          logger.error("records were refused for good and are left out", { records, error });
        },
      },
      (place) => acknowledged?.(place),
    );
  }

  get usedBytes(): number {
    return this.#budget.usedBytes;
  }

  /** Room for bytes that are to be read; false: there is none now. */
  tryTake(bytes: number): boolean {
    return this.#budget.tryTake(bytes);
  }

  /** Resolves when there is room. */
  async take(bytes: number): Promise<void> {
    if (this.tryTake(bytes)) return;
    // What is gathered holds room as well; it must not wait for its timer.
    this.flush();
    await this.#budget.take(bytes);
  }

  /**
   * Hands on what was read: `bytes`, for which room was taken, gave `records` and end at `place`.
   * Records without an origin cannot be read again by anybody.
   */
  add(bytes: number, records: readonly LogRecord[], place: Place, origin?: Origin): void {
    const id = origin?.id ?? this.#ownId;
    const isOther = this.#gathering !== undefined && this.#gathering.id !== id;
    if (isOther && records.length > 0) this.flush();
    this.#gathering ??= { id, records: [], positions: [], bytes: 0, place };
    const gathering = this.#gathering;
    gathering.bytes += bytes;
    gathering.place = place;
    for (const record of records) {
      gathering.records.push(record);
      gathering.positions.push(origin?.position ?? ++this.#count);
    }
    const isLarge = gathering.bytes >= this.#bytesMax * GATHERED_SHARE_MAX;
    if (isLarge || gathering.records.length >= RECORDS_PER_BATCH_MAX) this.flush();
    else this.#cancelTimer ??= this.#clock.setTimer(GATHER_MS, () => this.flush());
  }

  /** Hands on what is gathered. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const gathering = this.#gathering;
    this.#gathering = undefined;
    if (gathering === undefined) return;
    const { records, id, positions, bytes, place } = gathering;
    const batch = records.length === 0 ? undefined : { records, source: { id, positions } };
    this.#delivery.deliver(batch, bytes, place);
  }

  /** Resolves when everything that was added is acknowledged. */
  async whenDelivered(): Promise<void> {
    this.flush();
    await this.#delivery.whenIdle();
  }

  /** Everybody who waits for room goes on, because reading is over. */
  open(): void {
    this.#budget.open();
  }

  /** Resolves when everything is acknowledged, or at the deadline. */
  async close(deadline: AbortSignal): Promise<void> {
    this.flush();
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const giveUp = (): void => resolve();
    deadline.addEventListener("abort", giveUp, { once: true });
    if (deadline.aborted) resolve();
    await Promise.race([this.#delivery.whenIdle(), isOver]);
    deadline.removeEventListener("abort", giveUp);
    this.#delivery.stop();
  }
}
