/**
 * Consecutive lines to one record: the Collector's `recombine`.
 *
 * Invariant: a line gives at most one record. Where a line ends a group that it is no part of, the
 * group goes on in the line's place, and the line is held: what is held is reported by `heldFrom`,
 * so that the stored offset never passes it.
 */
import type { RecombineConfig } from "./config.ts";
import { compileCondition } from "./expression.ts";
import { checkedField, readField, writeField } from "./field.ts";
import type { Entry, HeldFrom, Operator, OperatorContext } from "./operator.ts";
import { handleFailure } from "./operator.ts";

interface Group {
  /** The entry that gives everything but the joined field. */
  base: Entry;
  readonly first: Pick<Entry, "start" | "number">;
  readonly texts: string[];
  sizeBytes: number;
  /** Whether the condition was true for a line of it. */
  isMatched: boolean;
}

export function recombineOperator(config: RecombineConfig, context: OperatorContext): Operator {
  const { is_first_entry: first, is_last_entry: last } = config;
  const isMatch = compileCondition((first ?? last)!);
  const field = checkedField(config.combine_field);
  const source = config.source_identifier && checkedField(config.source_identifier);
  const groups = new Map<string, Group>();
  const name = config.id ?? config.type;

  const join = (group: Group): Entry => {
    const entry = { ...group.base, ...group.first };
    writeField(entry, field, group.texts.join(config.combine_with));
    return entry;
  };
  const take = (key: string): Entry => {
    const group = groups.get(key)!;
    groups.delete(key);
    return join(group);
  };
  const isFull = ({ texts, sizeBytes, isMatched }: Group): boolean =>
    texts.length >= config.max_batch_size ||
    sizeBytes > config.max_log_size ||
    (!isMatched &&
      config.max_unmatched_batch_size > 0 &&
      texts.length >= config.max_unmatched_batch_size);

  /** Adds the line to its group. */
  const append = (entry: Entry, key: string, text: string, matches: boolean): Group => {
    const { start, number } = entry;
    const group = groups.get(key) ?? {
      ...{ base: { ...entry }, first: { start, number } },
      ...{ texts: [], sizeBytes: 0, isMatched: false },
    };
    groups.set(key, group);
    group.texts.push(text);
    group.sizeBytes += Buffer.byteLength(text);
    group.isMatched ||= matches;
    if (config.overwrite_with === "newest") group.base = { ...entry };
    return group;
  };

  return {
    heldMs: config.force_flush_period,
    process(entry) {
      const text = readField(entry, field);
      if (typeof text !== "string") return handleFailure(context, name, config.on_error);
      const identity = source && readField(entry, source);
      const key = typeof identity === "string" ? identity : "";
      const matches = isMatch(entry);
      let ready: Entry | undefined;
      // One that is over because this line begins another, or because there are too many.
      if (first !== undefined && matches && groups.has(key)) ready = take(key);
      else if (!groups.has(key) && groups.size >= config.max_sources) {
        ready = take(groups.keys().next().value!);
      }
      const group = append(entry, key, text, matches);
      // While an older one goes on, a full one waits for the next line.
      if (ready === undefined && (isFull(group) || (last !== undefined && matches))) {
        ready = take(key);
      }
      if (ready === undefined) return false;
      Object.assign(entry, ready);
      return true;
    },
    heldFrom() {
      let oldest: HeldFrom | undefined;
      for (const { first: line } of groups.values()) {
        if (oldest === undefined || line.start < oldest.offset) {
          oldest = { offset: line.start, lines: line.number - 1 };
        }
      }
      return oldest;
    },
    release() {
      const next = groups.keys().next();
      return next.done === true ? undefined : take(next.value);
    },
  };
}
