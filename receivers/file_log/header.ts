/**
 * The first lines of a file that say something about all others: the Collector's `header`.
 *
 * Invariant: the same beginning of a file gives the same attributes, also when reading begins
 * behind it after a restart: then the beginning is read for its header alone.
 */
import type { AnyValue, Attributes } from "../../src/data/any_value.ts";
import { TIME_UNKNOWN } from "../../src/data/time.ts";
import { OperatorChain } from "../../src/lib/operators/chain.ts";
import { compileGoRegex } from "../../src/lib/operators/go_regex.ts";
import type { Entry, OperatorContext } from "../../src/lib/operators/operator.ts";
import type { FileLogConfig } from "./config.ts";

/** A header that is longer is none beyond this. */
export const HEADER_BYTES_MAX: number = 64 * 1024;

type HeaderConfig = NonNullable<FileLogConfig["header"]>;

export class Header {
  readonly #pattern: RegExp;
  readonly #chain: OperatorChain;
  #isOpen = true;
  #attributes: Attributes = {};

  constructor(config: HeaderConfig, context: OperatorContext) {
    this.#pattern = compileGoRegex(config.pattern);
    this.#chain = new OperatorChain(config.metadata_operators, context);
  }

  /** False after the first line that is none of it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** What it says, as attributes of every record. */
  get attributes(): Attributes {
    return this.#attributes;
  }

  /** Whether the log that begins at this byte is a line of the header, which gives no record. */
  take(body: AnyValue, start: number): boolean {
    const isLine =
      this.#isOpen &&
      start < HEADER_BYTES_MAX &&
      typeof body === "string" &&
      this.#pattern.test(body);
    if (!isLine) {
      this.#isOpen = false;
      return false;
    }
    const entry: Entry = {
      ...{ body, attributes: this.#attributes, resource: {}, hrTime: TIME_UNKNOWN },
      ...{ severityNumber: undefined, severityText: undefined },
      ...{ spanContext: undefined, scopeName: "", start, number: 0 },
    };
    if (this.#chain.process(entry)) this.#attributes = entry.attributes;
    return true;
  }
}
