/** Texts of one source without files, in order, through the operators to records. */
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
  readonly nowUnixNano: () => bigint;
  readonly context: OperatorContext;
}

/** What a source knows of a record; attributes and resource stand for those of the options. */
export type GivenEntry = Partial<Omit<Entry, "start" | "number">>;

export class EntryStream {
  readonly #options: StreamOptions;
  readonly #chain: OperatorChain;
  #count = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#chain = new OperatorChain(options.operators, options.context);
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
    return this.#chain.process(entry) ? this.#make(entry) : undefined;
  }

  /** Whether an operator waits for more before it gives a record for what it has. */
  get holdsBack(): boolean {
    return this.#chain.heldFrom() !== undefined;
  }

  /** What operators hold back, because nothing comes any more. */
  release(): LogRecord[] {
    return this.#chain.release().map((entry) => this.#make(entry));
  }

  #make(entry: Entry): LogRecord {
    return this.#options.maker.make(entry, hrTimeFromUnixNano(this.#options.nowUnixNano()));
  }
}
