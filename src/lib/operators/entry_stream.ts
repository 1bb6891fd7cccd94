/** Texts of one source without files, in order, through the operators to records. */
import type { CancelTimer, Clock } from "../../component/settings.ts";
import type { Attributes } from "../../data/any_value.ts";
import type { LogRecord } from "../../data/log_record.ts";
import { hrTimeFromUnixNano, TIME_UNKNOWN } from "../../data/time.ts";
import { OperatorChain } from "./chain.ts";
import type { OperatorConfig } from "./config.ts";
import type { Entry, OperatorContext } from "./operator.ts";
import type { RecordMaker } from "./record_maker.ts";

export interface StreamOptions {
  readonly operators: readonly OperatorConfig[];
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly maker: RecordMaker;
  readonly clock: Clock;
  readonly failed: OperatorContext["failed"];
  /** Takes records that operators held back and give because nothing came for long. */
  readonly released: (records: readonly LogRecord[]) => void;
}

/** What a source knows of a record; attributes and resource stand for those of the options. */
export type GivenEntry = Partial<Omit<Entry, "start" | "number">>;

export class EntryStream {
  readonly #options: StreamOptions;
  readonly #chain: OperatorChain;
  #count = 0;
  #cancelWait: CancelTimer | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    const { operators, clock, failed } = options;
    const context = { path: "", nowMs: () => clock.nowMs(), failed };
    this.#chain = new OperatorChain(operators, context);
  }

  /** The records of several texts; empty ones are none. */
  pushAll(texts: readonly string[]): LogRecord[] {
    const records: LogRecord[] = [];
    for (const text of texts) {
      const record = text === "" ? undefined : this.push({ body: text });
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  /** Undefined when it gives no record, or not yet. */
  push(given: GivenEntry): LogRecord | undefined {
    const { attributes, resource } = this.#options;
    this.#count++;
    const entry: Entry = {
      ...{ body: undefined, attributes, resource, hrTime: TIME_UNKNOWN },
      ...{ severityNumber: undefined, severityText: undefined },
      ...{ spanContext: undefined, scopeName: "" },
      ...given,
      // There is no file: the place is the number of the text.
      ...{ start: this.#count, number: this.#count },
    };
    const isReady = this.#chain.process(entry);
    this.#waitForMore();
    return isReady ? this.#make(entry) : undefined;
  }

  /** Whether an operator waits for more before it gives a record for what it has. */
  get holdsBack(): boolean {
    return this.#chain.heldFrom() !== undefined;
  }

  /** What operators hold back, because nothing comes any more. */
  release(): LogRecord[] {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    return this.#chain.release().map((entry) => this.#make(entry));
  }

  #waitForMore(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    if (!this.holdsBack) return;
    const { clock, released } = this.#options;
    this.#cancelWait = clock.setTimer(this.#chain.heldMs, () => released(this.release()));
  }

  #make(entry: Entry): LogRecord {
    return this.#options.maker.make(entry, hrTimeFromUnixNano(this.#options.clock.nowUnixNano()));
  }
}
