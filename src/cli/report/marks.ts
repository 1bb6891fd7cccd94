/**
 * Counts what stands in records where personal data was: tokens, sealed values, hashes, redactions.
 *
 * Invariant: only the name of an entity and of a treatment is kept, never a token or a value. Masked
 * and generalized values leave no mark and are not seen; whoever writes a log line can write a mark.
 */
import type { LogRecord } from "../../../src/data/log_record.ts";
import { toOtlpJson } from "../../otlp/encode_json.ts";

export interface MarkCount {
  readonly entity: string;
  readonly treatment: "token" | "encrypted" | "hash" | "redacted";
  values: number;
  records: number;
}

const MARK =
  /<([a-z][a-z0-9_]{0,47}):([a-z0-9]{1,24}):[\w-]{16,}={0,2}>|\[REDACTED:([a-z][a-z0-9_]{0,47})\]/g;
/** Kinds of data that are told apart; the names come from records. */
const KINDS_MAX = 500;

export class Marks {
  readonly #counts = new Map<string, MarkCount>();
  #records = 0;
  #marked = 0;

  record(record: LogRecord): void {
    this.#records++;
    const met = new Set<MarkCount>();
    for (const [, entity, key, redacted] of toOtlpJson([record]).matchAll(MARK)) {
      const count = this.#count(entity ?? redacted!, treatmentOf(key));
      if (count === undefined) continue;
      count.values++;
      met.add(count);
    }
    for (const count of met) count.records++;
    if (met.size > 0) this.#marked++;
  }

  #count(entity: string, treatment: MarkCount["treatment"]): MarkCount | undefined {
    const name = `${entity} ${treatment}`;
    const known = this.#counts.get(name);
    if (known !== undefined || this.#counts.size >= KINDS_MAX) return known;
    const count = { entity, treatment, values: 0, records: 0 };
    this.#counts.set(name, count);
    return count;
  }

  /** The most frequent first. */
  result(): { records: number; marked: number; marks: readonly MarkCount[] } {
    const marks = [...this.#counts.values()].sort(
      (a, b) => b.values - a.values || (a.entity < b.entity ? -1 : 1),
    );
    return { records: this.#records, marked: this.#marked, marks };
  }
}

/** `key` is what stands between the colons: a key's id, or the name of another form. */
function treatmentOf(key: string | undefined): MarkCount["treatment"] {
  if (key === undefined) return "redacted";
  if (key === "age" || key === "field") return "encrypted";
  return key === "sha256" || key === "hmacsha256" ? "hash" : "token";
}
