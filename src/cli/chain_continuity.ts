/**
 * Are the records of each HMAC chain in the archive without gaps? Needs no chain key: the log
 * vouches for the records and their order, and here only their numbers are looked at.
 *
 * Invariant: a hole is reported unless a statement explains it: the archive's own (`dropped`), or
 * the chain's on a later record (a restart, a batch that an exporter refused), which explains only
 * numbers near its own. Zones divide a chain among their blocks, so its numbers come in any order.
 */

import type { DroppedRange } from "../../exporters/sealed_archive/format/entry.ts";
import type { Report } from "../../exporters/sealed_archive/reader/finding.ts";
import type { RecordObserver } from "../../exporters/sealed_archive/reader/record_check.ts";
import { mergeRanges, subtractRanges } from "../../processors/hmac_chain/sequence_ranges.ts";
import type { SequenceRange } from "../../processors/hmac_chain/statement.ts";
import { parseRanges, parseRestart, withinSpan } from "../../processors/hmac_chain/statement.ts";
import {
  INTEGRITY_CHAIN,
  INTEGRITY_RESTART,
  INTEGRITY_SEQUENCE,
  INTEGRITY_UNDELIVERED,
} from "../data/integrity.ts";
import type { LogRecord } from "../data/log_record.ts";

type Place = Parameters<RecordObserver["record"]>[1];

interface Hole extends SequenceRange {
  /** The record behind the hole. */
  readonly place: Place;
}

interface Chain {
  /** Lowest number met. */
  first: number;
  next: number;
  holes: Hole[];
  /** Explained numbers that have not come up yet. */
  ahead: SequenceRange[];
  duplicates: { sequence: number; place: Place }[];
}

/** Open holes and duplicates that are kept for a chain; each further one replaces the last. */
const KEPT_MAX = 100_000;

export class ChainContinuity implements RecordObserver {
  readonly #chains = new Map<string, Chain>();

  record(record: LogRecord, place: Place): void {
    const name = record.attributes[INTEGRITY_CHAIN];
    const sequence = record.attributes[INTEGRITY_SEQUENCE];
    if (typeof name !== "string" || typeof sequence !== "number") return;
    const chain = this.#chain(name, sequence);
    if (sequence === chain.next) chain.next++;
    else if (sequence > chain.next) openHole(chain, sequence, place);
    else fillHole(chain, sequence, place);
    const { [INTEGRITY_RESTART]: restart, [INTEGRITY_UNDELIVERED]: undelivered } =
      record.attributes;
    if (typeof restart === "string") explain(chain, restartRanges(restart, sequence));
    if (typeof undelivered === "string") {
      explain(chain, withinSpan(parseRanges(undelivered) ?? [], sequence));
    }
  }

  dropped(ranges: readonly DroppedRange[]): void {
    for (const [name, first, last] of ranges) {
      const chain = this.#chain(name, first);
      explain(chain, [{ first, last }]);
      if (last >= chain.next) chain.ahead.push({ first, last });
    }
  }

  finish(report: Report): void {
    for (const [name, { holes, duplicates }] of this.#chains) {
      for (const { first, last, place } of holes) {
        const reason = `records ${first} to ${last} of chain ${name} are missing before this one`;
        report({ kind: "chain", ...place, reason });
      }
      for (const { sequence, place } of duplicates) {
        const reason = `record ${sequence} of chain ${name} occurs a second time`;
        report({ kind: "chain", ...place, reason });
      }
    }
  }

  /** A chain begins where it is first met: an archive may be younger than the chain. */
  #chain(name: string, first: number): Chain {
    let chain = this.#chains.get(name);
    if (chain === undefined) {
      chain = { first, next: first, holes: [], ahead: [], duplicates: [] };
      this.#chains.set(name, chain);
    }
    return chain;
  }
}

function openHole(chain: Chain, sequence: number, place: Place): void {
  const missing = subtractRanges(
    [{ first: chain.next, last: sequence - 1 }],
    mergeRanges(chain.ahead),
  );
  for (const range of missing) keep(chain.holes, { ...range, place });
  chain.ahead = chain.ahead.filter(({ last }) => last > sequence);
  chain.next = sequence + 1;
}

/** A number may come late, when batches were delivered in another order or to another zone. */
function fillHole(chain: Chain, sequence: number, place: Place): void {
  const { holes, first: lowest } = chain;
  if (sequence < lowest) {
    chain.first = sequence;
    if (sequence + 1 < lowest) keep(holes, { first: sequence + 1, last: lowest - 1, place });
    return;
  }
  const at = holes.findIndex(({ first, last }) => first <= sequence && sequence <= last);
  if (at < 0) {
    keep(chain.duplicates, { sequence, place });
    return;
  }
  const hole = holes[at]!;
  const rest = subtractRanges([hole], [{ first: sequence, last: sequence }]);
  holes.splice(at, 1, ...rest.map((range) => ({ ...range, place: hole.place })));
}

function explain(chain: Chain, ranges: readonly SequenceRange[]): void {
  chain.holes = chain.holes.flatMap((hole) =>
    subtractRanges([hole], ranges).map((range) => ({ ...range, place: hole.place })),
  );
}

function restartRanges(text: string, sequence: number): SequenceRange[] {
  const statement = parseRestart(text);
  if (statement === undefined) return [];
  const { acknowledged, reservedUntil } = statement;
  return withinSpan([{ first: acknowledged + 1, last: reservedUntil - 1 }], sequence);
}

function keep<T>(kept: T[], item: T): void {
  if (kept.length < KEPT_MAX) kept.push(item);
  else kept[KEPT_MAX - 1] = item;
}
