/** Texts of one source without files, in order, through the operators to records. */
import type { AnyValue, Attributes } from "../../data/any_value.ts";
import type { LogRecord } from "../../data/log_record.ts";
import type { HrTime } from "../../data/time.ts";
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

export class EntryStream {
  readonly #options: StreamOptions;
  readonly #chain: OperatorChain;
  #count = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#chain = new OperatorChain(options.operators, options.context);
  }

  /** Undefined when the text gives no record, or not yet. */
  push(body: AnyValue, hrTime: HrTime = TIME_UNKNOWN): LogRecord | undefined {
    const { attributes, resource } = this.#options;
    this.#count++;
    const entry: Entry = {
      ...{ body, attributes, resource, hrTime },
      ...{ severityNumber: undefined, severityText: undefined },
      // There is no file: the place is the number of the text.
      ...{ start: this.#count, number: this.#count },
    };
    return this.#chain.process(entry) ? this.#make(entry) : undefined;
  }

  /** What operators hold back, because nothing comes any more. */
  release(): LogRecord[] {
    return this.#chain.release().map((entry) => this.#make(entry));
  }

  #make(entry: Entry): LogRecord {
    return this.#options.maker.make(entry, hrTimeFromUnixNano(this.#options.nowUnixNano()));
  }
}
