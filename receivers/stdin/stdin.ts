/**
 * The `stdin` receiver: lines of a pipe into the pipeline.
 *
 * Invariant: the pipe is read only while there is room, so whoever writes waits for a slow backend.
 * What was read and not delivered is lost when the agent is killed: a pipe cannot be read again.
 */
import type { Readable } from "node:stream";
import type { LogsConsumer, Receiver } from "../../src/component/component.ts";
import { AgentError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { Outlet } from "../../src/lib/delivery/outlet.ts";
import type { Frame } from "../../src/lib/framing/framer.ts";
import { Framer } from "../../src/lib/framing/framer.ts";
import { messageText } from "../../src/lib/framing/message_text.ts";
import { EntryStream } from "../../src/lib/operators/entry_stream.ts";
import { FailureReport } from "../../src/lib/operators/failure_report.ts";
import { RecordMaker } from "../../src/lib/operators/record_maker.ts";
import type { StdinConfig } from "./config.ts";
import type { Instruments } from "./instruments.ts";
import { createInstruments } from "./instruments.ts";

const LINE_FEED = 0x0a;
/** Inputs that a receiver reads: two would share the lines between them by chance. */
const taken = new WeakSet<Readable>();

export class StdinReceiver implements Receiver {
  readonly #config: StdinConfig;
  readonly #settings: Settings;
  readonly #input: Readable;
  readonly #outlet: Outlet;
  readonly #instruments: Instruments;
  readonly #framer: Framer;
  readonly #stream: EntryStream;
  #isReading = false;
  #isStopping = false;
  /** A piece that was read and for which there is no room yet. */
  #waiting: Promise<void> | undefined;

  constructor(config: StdinConfig, settings: Settings, next: LogsConsumer, input: Readable) {
    this.#config = config;
    this.#settings = settings;
    this.#input = input;
    this.#instruments = createInstruments(settings, () => this.#outlet.usedBytes);
    this.#outlet = new Outlet({
      ...{ settings, next, bytesMax: config.max_in_flight_bytes, retry: config.retry_on_failure },
      refused: this.#instruments.refused,
    });
    const sizeMax = config.max_log_size;
    this.#framer = new Framer({ countsOctets: false, trailer: LINE_FEED, sizeMax });
    const { clock } = settings;
    const { failed } = new FailureReport(settings, this.#instruments.operatorFailed);
    this.#stream = new EntryStream({
      ...config,
      maker: new RecordMaker(config.resource),
      ...{ clock, failed },
      released: (records) => this.#outlet.add(0, records, undefined),
    });
  }

  /** @throws AgentError `stdin.in_use` */
  async start(): Promise<void> {
    if (taken.has(this.#input)) {
      throw new AgentError("stdin.in_use", "another stdin receiver reads the standard input");
    }
    taken.add(this.#input);
    this.#isReading = true;
    this.#input.on("data", this.#read).once("end", this.#end).once("error", this.#end);
    this.#input.resume();
    this.#settings.reportStatus("ok");
    if (this.#input.readableEnded) this.#end();
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true;
    if (this.#isReading) {
      // The next one reads on where this one stopped, after a reload.
      this.#input.pause();
      this.#outlet.open();
      await this.#waiting;
      this.#stopReading();
    }
    await this.#outlet.close(deadline);
    this.#settings.reportStatus("stopped");
  }

  readonly #read = (bytes: Buffer): void => {
    // Both are there before it is known that there is room: one piece, at most 64 KiB.
    if (!this.#outlet.tryTake(bytes.length)) {
      this.#input.pause();
      this.#waiting = this.#outlet.take(bytes.length).then(() => {
        this.#waiting = undefined;
        this.#add(bytes);
        if (!this.#isStopping) this.#input.resume();
      });
      return;
    }
    this.#add(bytes);
  };

  #add(bytes: Buffer): void {
    this.#outlet.add(bytes.length, this.#recordsOf(this.#framer.push(bytes)), undefined);
  }

  readonly #end = (): void => {
    this.#stopReading();
    void this.#outlet.whenDelivered().then(() => {
      this.#settings.logger.info("the standard input has ended, and all of it is delivered");
      this.#settings.reportFinished?.();
    });
  };

  /** What has begun is a line, too, when nothing follows. */
  #stopReading(): void {
    this.#isReading = false;
    taken.delete(this.#input);
    this.#input.off("data", this.#read).off("end", this.#end).off("error", this.#end);
    const last = this.#framer.end();
    const records = last === undefined ? [] : this.#recordsOf([last]);
    records.push(...this.#stream.release());
    if (records.length > 0) this.#outlet.add(0, records, undefined);
    this.#outlet.flush();
  }

  #recordsOf(frames: readonly Frame[]): LogRecord[] {
    const cut = frames.filter(({ isCut }) => isCut).length;
    if (cut > 0) this.#instruments.cut(cut);
    return this.#stream.pushAll(frames.map(({ bytes }) => messageText(bytes, this.#config)));
  }
}
