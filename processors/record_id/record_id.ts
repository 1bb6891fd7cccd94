/**
 * Gives each record an id: `log.record.uid` of the semantic conventions.
 *
 * Invariant: the id is made of the record's place in its source alone, so a record that is read
 * again after a crash, or sent again after a lost answer, has the same one. An id that is there
 * already is kept. The form is a UUID of version 8 (RFC 9562 section 5.8): 122 bits of the
 * SHA-256 of source and position.
 */
import { createHash } from "node:crypto";
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import type { RandomSource, Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Config } from "./config.ts";

const ID_BYTES = 16;

export class RecordId implements Processor {
  readonly #attribute: string;
  readonly #random: RandomSource;
  readonly #next: LogsConsumer;

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    this.#attribute = config.attribute;
    this.#random = settings.random;
    this.#next = next;
  }

  async start(): Promise<void> {}

  async shutdown(): Promise<void> {}

  consumeLogs(batch: LogBatch): Promise<void> {
    const { source } = batch;
    const prefix = source && createHash("sha256").update(`${source.id.length}:${source.id}:`);
    return this.#next.consumeLogs(
      mapRecords(batch, (record, index) => {
        if (record.attributes[this.#attribute] !== undefined) return record;
        const bytes = prefix
          ? prefix.copy().update(String(source!.positions[index]!)).digest()
          : this.#randomBytes();
        return this.#withId(record, uuidOf(bytes));
      }),
    );
  }

  #withId(record: LogRecord, id: string): LogRecord {
    const attributes = { ...record.attributes, [this.#attribute]: id };
    return record.with(record.body, attributes, record.findings);
  }

  /** For records that nobody reads or sends again. */
  #randomBytes(): Uint8Array {
    const bytes = new Uint8Array(ID_BYTES);
    this.#random(bytes);
    return bytes;
  }
}

function uuidOf(bytes: Uint8Array): string {
  const id = Buffer.from(bytes.subarray(0, ID_BYTES));
  id[6] = (id[6]! & 0x0f) | 0x80;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
