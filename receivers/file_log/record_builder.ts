/**
 * Logs of one file to batches of records.
 *
 * Invariant: records of one file share their resource and the attributes that are the file's, and
 * positions rise strictly within the file.
 */
import { basename } from "node:path";
import type { AnyValueMap, Attributes } from "../../src/data/any_value.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { HrTime } from "../../src/data/time.ts";
import { TIME_UNKNOWN } from "../../src/data/time.ts";
import { OperatorChain } from "../../src/lib/operators/chain.ts";
import type { Entry, HeldFrom, OperatorContext } from "../../src/lib/operators/operator.ts";
import { RecordMaker } from "../../src/lib/operators/record_maker.ts";
import type { FileLogConfig } from "./config.ts";
import type { Ownership } from "./file_owner.ts";
import type { Split } from "./splitter.ts";

const RECORDS_PER_BATCH_MAX = 2000;

export interface BuiltBatch {
  /** Undefined when the logs gave no record. */
  readonly batch: LogBatch | undefined;
  /** Where this batch's stretch of the file ends. */
  readonly end: number;
  /** Where reading may begin again once the batch is acknowledged. */
  readonly resume: HeldFrom;
}

/** Where a split lies in its file. */
export interface Stretch {
  readonly split: Split;
  readonly start: number;
  /** Logs before it. */
  readonly logs: number;
  /** The resume point when nothing is held back at the end of the stretch. */
  readonly resume: HeldFrom;
  /** An unfinished log was ended by force here: what operators hold back is released. */
  readonly isCut: boolean;
}

/** What is known of a file beside its content. */
export type FileContext = OperatorContext & {
  readonly resolvedPath: string;
  readonly ownership?: Ownership | undefined;
};

export class RecordBuilder {
  readonly #id: string;
  readonly #chain: OperatorChain;
  readonly #fileAttributes: Attributes;
  readonly #resource: AnyValueMap;
  readonly #maker: RecordMaker;
  readonly #addsNumber: boolean;
  readonly #addsOffset: boolean;
  #records: LogRecord[] = [];
  #positions: number[] = [];

  constructor(id: string, config: FileLogConfig, context: FileContext) {
    this.#id = id;
    this.#chain = new OperatorChain(config.operators, context);
    this.#fileAttributes = fileAttributes(config, context);
    this.#resource = config.resource;
    this.#maker = new RecordMaker(config.resource);
    this.#addsNumber = config.include_file_record_number;
    this.#addsOffset = config.include_file_record_offset;
  }

  /** How long what operators hold back waits for more; 0 when they hold nothing. */
  get heldMs(): number {
    return this.holdsBack ? this.#chain.heldMs : 0;
  }

  get holdsBack(): boolean {
    return this.#chain.heldFrom() !== undefined;
  }

  build(stretch: Stretch, observed: HrTime): BuiltBatch[] {
    const { split, start, logs } = stretch;
    const built: BuiltBatch[] = [];
    const entry = this.#newEntry();
    for (let index = 0; index < split.bodies.length; index++) {
      this.#reset(entry);
      entry.body = split.bodies[index];
      entry.start = start + split.starts[index]!;
      entry.number = logs + split.before[index]! + 1;
      if (this.#addsNumber || this.#addsOffset) this.#addPlace(entry);
      const end = start + split.ends[index]!;
      if (this.#chain.process(entry)) this.#add(entry, end, observed);
      if (this.#records.length >= RECORDS_PER_BATCH_MAX) {
        const truncated = split.skippingFrom !== undefined && index === split.bodies.length - 1;
        const resume = { offset: end, lines: logs + split.before[index]! + 1 };
        built.push(this.#finish(end, truncated ? stretch.resume : resume));
      }
    }
    const end = start + split.consumed;
    if (stretch.isCut) {
      // These have no bytes of their own; the shortest log that can follow ends behind them.
      this.#chain.release().forEach((released, index) => {
        this.#add(released, end + 1 + index, observed);
      });
    }
    built.push(this.#finish(end, stretch.resume));
    return built;
  }

  #finish(end: number, resume: HeldFrom): BuiltBatch {
    const held = this.#chain.heldFrom();
    const records = this.#records;
    const positions = this.#positions;
    this.#records = [];
    this.#positions = [];
    return {
      batch: records.length === 0 ? undefined : { records, source: { id: this.#id, positions } },
      end,
      resume: held !== undefined && held.offset < resume.offset ? held : resume,
    };
  }

  #add(entry: Entry, position: number, observed: HrTime): void {
    this.#records.push(this.#maker.make(entry, observed));
    this.#positions.push(position);
  }

  #newEntry(): Entry {
    return {
      body: undefined,
      attributes: this.#fileAttributes,
      resource: this.#resource,
      hrTime: TIME_UNKNOWN,
      severityNumber: undefined,
      severityText: undefined,
      spanContext: undefined,
      scopeName: "",
      start: 0,
      number: 0,
    };
  }

  #reset(entry: Entry): void {
    entry.attributes = this.#fileAttributes;
    entry.resource = this.#resource;
    entry.hrTime = TIME_UNKNOWN;
    entry.severityNumber = undefined;
    entry.severityText = undefined;
    entry.spanContext = undefined;
    entry.scopeName = "";
  }

  #addPlace(entry: Entry): void {
    const attributes = { ...entry.attributes };
    if (this.#addsNumber) attributes["log.file.record_number"] = entry.number;
    if (this.#addsOffset) attributes["log.file.record_offset"] = entry.start;
    entry.attributes = attributes;
  }
}

function fileAttributes(config: FileLogConfig, context: FileContext): Attributes {
  const { path, resolvedPath, ownership } = context;
  const attributes: Attributes = { ...config.attributes };
  if (config.include_file_name) attributes["log.file.name"] = basename(path);
  if (config.include_file_path) attributes["log.file.path"] = path;
  if (config.include_file_name_resolved) {
    attributes["log.file.name_resolved"] = basename(resolvedPath);
  }
  if (config.include_file_path_resolved) attributes["log.file.path_resolved"] = resolvedPath;
  if (ownership === undefined) return attributes;
  if (config.include_file_owner_name) attributes["log.file.owner.name"] = ownership.owner;
  if (config.include_file_owner_group_name) {
    attributes["log.file.owner.group.name"] = ownership.group;
  }
  if (config.include_file_permissions) attributes["log.file.permissions"] = ownership.permissions;
  return attributes;
}
