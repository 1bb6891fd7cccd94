/**
 * The `journald` receiver: entries of the systemd journal, read by journalctl, into the pipeline.
 *
 * Invariant: the cursor is stored only behind entries that were acknowledged, so none is lost by a
 * crash; and one that is read again has the same source id and position, so that the sealed archive
 * can drop what it already has.
 */
import type { LogsConsumer, Receiver } from "../../src/component/component.ts";
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { Origin } from "../../src/lib/delivery/outlet.ts";
import { Outlet } from "../../src/lib/delivery/outlet.ts";
import { EntryStream } from "../../src/lib/operators/entry_stream.ts";
import { FailureReport } from "../../src/lib/operators/failure_report.ts";
import { RecordMaker } from "../../src/lib/operators/record_maker.ts";
import { followArguments, newestArguments } from "./arguments.ts";
import type { JournaldConfig } from "./config.ts";
import { CursorStore } from "./cursor_store.ts";
import type { JournalEntry } from "./export_parser.ts";
import type { Instruments } from "./instruments.ts";
import { createInstruments } from "./instruments.ts";
import { givenEntry, textField } from "./journal_record.ts";
import { Journalctl } from "./journalctl.ts";

const RESTART_FIRST_MS = 1_000;
const RESTART_MAX_MS = 30_000;
const CURSOR = "__CURSOR";
/** Each boot of each machine has few; entries of further ones count as not to be read again. */
const SEQUENCES_MAX = 10_000;

export class JournaldReceiver implements Receiver {
  readonly #config: JournaldConfig;
  readonly #settings: Settings;
  readonly #outlet: Outlet<string>;
  readonly #instruments: Instruments;
  readonly #stream: EntryStream;
  #store: CursorStore | undefined;
  /** Behind the last entry that was read. */
  #cursor = "";
  /** Behind the last entry that no operator holds back. */
  #safeCursor = "";
  /** The highest position so far, by source id. */
  readonly #highest = new Map<string, number>();
  #journalctl: Journalctl | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;
  #endPause: (() => void) | undefined;

  constructor(config: JournaldConfig, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#instruments = createInstruments(settings, () => this.#outlet.usedBytes);
    this.#outlet = new Outlet<string>({
      ...{ settings, next, bytesMax: config.max_in_flight_bytes, retry: config.retry_on_failure },
      refused: this.#instruments.refused,
      acknowledged: (cursor) => this.#store?.set(cursor),
    });
    const { clock } = settings;
    const { failed } = new FailureReport(settings, this.#instruments.operatorFailed);
    this.#stream = new EntryStream({
      ...config,
      maker: new RecordMaker(config.resource),
      ...{ clock, failed },
      released: (records) => {
        this.#safeCursor = this.#cursor;
        this.#outlet.add(0, records, this.#cursor);
      },
    });
  }

  /** @throws AgentError `journald.failed`, `storage.corrupt` */
  async start(): Promise<void> {
    this.#store = await CursorStore.open(this.#settings);
    if (this.#store.cursor === undefined) {
      this.#store.set(await this.#firstCursor());
      // From now on `start_at` is settled, also if nothing comes for long.
      await this.#store.flush();
    }
    this.#cursor = this.#store.cursor ?? "";
    this.#safeCursor = this.#cursor;
    this.#originOf(this.#cursor);
    this.#settings.reportStatus("ok");
    this.#running = this.#run();
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true;
    this.#journalctl?.kill();
    this.#endPause?.();
    this.#outlet.open();
    await this.#running;
    await this.#outlet.close(deadline);
    try {
      await this.#store?.close();
    } catch (error) {
      // What is not stored is read again after the next start.
      this.#settings.logger.error("the cursor is not stored", { error: describeError(error) });
    }
    this.#settings.reportStatus("stopped");
  }

  /** Where the journal ends now, as `start_at` wants it; a journal that is empty begins there. */
  async #firstCursor(): Promise<string> {
    const { start_at, journalctl_path, max_log_size } = this.#config;
    const words = start_at === "end" ? newestArguments(this.#config) : ["--version"];
    const journalctl = new Journalctl(journalctl_path, words, max_log_size);
    let cursor = "";
    if (start_at === "end") {
      for await (const { entries } of journalctl.entries()) {
        for (const entry of entries) cursor = textField(entry, CURSOR) ?? cursor;
      }
    }
    const error = await journalctl.ended();
    if (error !== undefined) throw error;
    return cursor;
  }

  /** Never rejects: what fails is tried again. */
  async #run(): Promise<void> {
    let delayMs = RESTART_FIRST_MS;
    while (!this.#isStopping) {
      const before = this.#cursor;
      const error = await this.#follow().catch((thrown: unknown) => thrown);
      if (this.#isStopping) return;
      this.#instruments.restarted();
      if (this.#cursor !== before) delayMs = RESTART_FIRST_MS;
      const problem = error === undefined ? "journalctl ended" : describeError(error);
      this.#settings.logger.warn("journalctl is started again", { delay_ms: delayMs, problem });
      this.#settings.reportStatus("degraded", problem);
      await this.#pause(delayMs);
      delayMs = Math.min(delayMs * 2, RESTART_MAX_MS);
    }
  }

  /** Reads until journalctl ends; the error with which it did. */
  async #follow(): Promise<AgentError | undefined> {
    const { journalctl_path, max_log_size } = this.#config;
    const words = followArguments(this.#config, this.#cursor);
    const journalctl = new Journalctl(journalctl_path, words, max_log_size);
    this.#journalctl = journalctl;
    try {
      for await (const { entries, bytes } of journalctl.entries()) {
        await this.#outlet.take(bytes);
        if (this.#isStopping) break;
        this.#hand(entries, bytes);
        if (entries.length > 0) this.#settings.reportStatus("ok");
      }
    } finally {
      journalctl.kill();
    }
    return journalctl.ended();
  }

  #hand(entries: readonly JournalEntry[], bytes: number): void {
    const cut = entries.filter(({ isCut }) => isCut).length;
    if (cut > 0) this.#instruments.cut(cut);
    for (const entry of entries) {
      const cursor = textField(entry, CURSOR);
      if (cursor === undefined) {
        throw new AgentError("journald.malformed", "an entry of journalctl has no cursor");
      }
      const record = this.#stream.push(givenEntry(entry, this.#config));
      this.#cursor = cursor;
      if (!this.#stream.holdsBack) this.#safeCursor = cursor;
      const records = record === undefined ? [] : [record];
      this.#outlet.add(0, records, this.#safeCursor, this.#originOf(cursor));
    }
    this.#outlet.add(bytes, [], this.#safeCursor);
  }

  /**
   * The place of an entry by its cursor: `s=` the id of a sequence and `i=` the number in it (hex).
   * Undefined where that does not rise, as it may in a damaged journal: no entry may be taken for
   * one that was read before when it was not.
   */
  #originOf(cursor: string): Origin | undefined {
    const [, sequence, number] = /^s=([0-9a-f]+);i=([0-9a-f]{1,13});/.exec(cursor) ?? [];
    if (sequence === undefined) return undefined;
    const { type, name } = this.#settings.id;
    const id = `${type}:${name}:${sequence}`;
    const position = Number.parseInt(number!, 16);
    const highest = this.#highest.get(id);
    if (highest !== undefined && position <= highest) return undefined;
    if (highest === undefined && this.#highest.size >= SEQUENCES_MAX) return undefined;
    this.#highest.set(id, position);
    return { id, position };
  }

  async #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#settings.clock.setTimer(delayMs, resolve);
    this.#endPause = resolve;
    await promise;
    cancel();
  }
}
