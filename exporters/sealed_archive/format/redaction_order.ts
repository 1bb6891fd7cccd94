/**
 * An authority's order to erase records: a signed note (c2sp.org/signed-note) with the text
 *
 *     vouchsafe redaction order
 *     origin example.com/host1
 *     zone default
 *     records 5,17-19
 *     reason court order 12
 *
 * Records are the numbers of the zone. Invariant: `parseOrder(formatOrder(o))` is `o`, and a text in
 * any other writing is refused.
 */
import type { NumberRange } from "./number_ranges.ts";
import { formatNumberRanges, parseNumberRanges } from "./number_ranges.ts";

export interface RedactionOrder {
  readonly origin: string;
  readonly zone: string;
  readonly records: readonly NumberRange[];
  /** One line. */
  readonly reason: string;
}

/** Of the note with its signature, so that it fits into an entry. */
export const ORDER_LENGTH_MAX = 1500;

const TITLE = "vouchsafe redaction order";

export function formatOrder({ origin, zone, records, reason }: RedactionOrder): string {
  const numbers = formatNumberRanges(records);
  return `${TITLE}\norigin ${origin}\nzone ${zone}\nrecords ${numbers}\nreason ${reason}\n`;
}

export function parseOrder(text: string): RedactionOrder | undefined {
  const pattern = /^origin (.+)\nzone (.+)\nrecords (.+)\nreason (.+)\n$/;
  const match = text.startsWith(`${TITLE}\n`) ? pattern.exec(text.slice(TITLE.length + 1)) : null;
  if (match === null) return undefined;
  const records = parseNumberRanges(match[3]!);
  if (records === undefined) return undefined;
  const order = { origin: match[1]!, zone: match[2]!, records, reason: match[4]! };
  return formatOrder(order) === text ? order : undefined;
}
