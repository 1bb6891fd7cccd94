/**
 * Records that were erased out of sealed blocks, as the entries say it.
 *
 * Invariant: nothing is erased but by the order of an authority that the log named before, and no
 * more than the order names; never out of a segment that is open, or on which there is a hold.
 */
import type { Entry, RedactEntry } from "./entry.ts";
import type { Holds } from "./holds.ts";
import { holdOn } from "./holds.ts";
import type { KeptSegments } from "./kept_segments.ts";
import { isVerifierKey, openNote, parseVerifier } from "./note.ts";
import { holdsRanges } from "./number_ranges.ts";
import { parseOrder } from "./redaction_order.ts";

/** The authorities' verifier keys that the log names. */
export function advanceAuthorities(
  authorities: readonly string[],
  entry: Entry,
): readonly string[] {
  if (entry.type !== "authorities") return authorities;
  return [...authorities.filter((key) => !entry.removed.includes(key)), ...entry.added];
}

export interface RedactionState {
  readonly origin: string;
  readonly authorities: readonly string[];
  readonly kept: KeptSegments;
  readonly holds: Holds;
}

export type RedactRequest = Pick<RedactEntry, "zone" | "seg" | "removed" | "order">;

/** What forbids the redaction; undefined when nothing does. */
export function redactProblem(state: RedactionState, request: RedactRequest): string | undefined {
  const { zone, seg, removed } = request;
  const text = signedText(request.order, state.authorities);
  if (text === undefined) return "no authority that the log names signed its order";
  const order = parseOrder(text);
  if (order === undefined) return "its order is none";
  if (order.origin !== state.origin || order.zone !== zone) {
    return "its order is about another zone or archive";
  }
  if (!holdsRanges(order.records, removed)) return "it erases more than was ordered";
  const segment = state.kept.get(zone)?.find(({ segment: number }) => number === Number(seg));
  if (segment === undefined) return `segment ${seg} of zone ${zone} is not there`;
  if (!segment.closed) return `segment ${seg} of zone ${zone} is not closed yet`;
  const held = holdOn(state.holds, zone, segment);
  return held === undefined ? undefined : `it erases what is held for the case '${held}'`;
}

/** The text of an order that one of the authorities signed. */
function signedText(order: string, authorities: readonly string[]): string | undefined {
  for (const vkey of authorities.filter(isVerifierKey)) {
    const opened = openNote(order, parseVerifier(vkey));
    if (opened.status === "valid") return opened.text;
  }
  return undefined;
}

/**
 * Beside the segment, named by its content: who could not see that a redaction was recorded already,
 * and makes another, does not write over what that one's entry names.
 */
export function redactedFileName(seg: string, block: number, sha256: string): string {
  return `${redactedFilePrefix(seg, block)}${sha256.slice(0, 16)}.blk`;
}

export function redactedFilePrefix(seg: string, block: number): string {
  return `${seg}-${block}-`;
}
