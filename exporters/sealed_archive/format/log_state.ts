/** What the writer must know of the entries so far to go on with the next one. */
import type { Entry } from "./entry.ts";
import type { EpochPosition } from "./epoch.ts";
import { advanceEpoch } from "./epoch.ts";
import type { Positions } from "./position.ts";
import { advance } from "./position.ts";
import type { Recipients } from "./recipients.ts";
import { advanceRecipients } from "./recipients.ts";

export interface LogState {
  readonly positions: Positions;
  readonly recipients: Recipients;
  /** Undefined only before the genesis. */
  epoch: EpochPosition | undefined;
  /** `at` of the newest entry. */
  atMs: number;
}

/** Takes an entry in. A text says what about it does not fit; it is taken in all the same. */
export function advanceLog(state: LogState, entry: Entry, index: number): string | undefined {
  state.epoch = advanceEpoch(state.epoch, entry, index);
  advanceRecipients(state.recipients, entry);
  state.atMs = Math.max(state.atMs, entry.at);
  return advance(state.positions, entry);
}

export function emptyLogState(): LogState {
  return { positions: new Map(), recipients: new Map(), epoch: undefined, atMs: 0 };
}

export function copyLogState({ positions, recipients, epoch, atMs }: LogState): LogState {
  const copies = [...positions].map(([zone, position]) => [zone, { ...position }] as const);
  return { positions: new Map(copies), recipients: new Map(recipients), epoch, atMs };
}
