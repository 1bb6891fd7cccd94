/** What the writer must know of the entries so far to go on with the next one. */
import type { Entry } from "./entry.ts";
import type { EpochPosition } from "./epoch.ts";
import { advanceEpoch } from "./epoch.ts";
import type { Holds } from "./holds.ts";
import { advanceHolds } from "./holds.ts";
import type { KeptSegments } from "./kept_segments.ts";
import { advanceKept, copyKept } from "./kept_segments.ts";
import type { Positions } from "./position.ts";
import { advance } from "./position.ts";
import type { Recipients } from "./recipients.ts";
import { advanceRecipients } from "./recipients.ts";
import { advanceAuthorities } from "./redactions.ts";
import type { Treatments } from "./treatments.ts";
import { advanceTreatments } from "./treatments.ts";

export interface LogState {
  readonly positions: Positions;
  readonly recipients: Recipients;
  readonly kept: KeptSegments;
  readonly holds: Holds;
  readonly treatments: Treatments;
  /** Verifier keys of those whose orders to erase records count. */
  authorities: readonly string[];
  /** Undefined only before the genesis. */
  epoch: EpochPosition | undefined;
  /** `at` of the newest entry. */
  atMs: number;
}

export function emptyLogState(): LogState {
  return {
    positions: new Map(),
    recipients: new Map(),
    kept: new Map(),
    holds: new Map(),
    treatments: new Map(),
    authorities: [],
    epoch: undefined,
    atMs: 0,
  };
}

/** Takes an entry in. A text says what about it does not fit; it is taken in all the same. */
export function advanceLog(state: LogState, entry: Entry, index: number): string | undefined {
  state.epoch = advanceEpoch(state.epoch, entry, index);
  state.atMs = Math.max(state.atMs, entry.at);
  advanceRecipients(state.recipients, entry);
  advanceHolds(state.holds, entry);
  state.authorities = advanceAuthorities(state.authorities, entry);
  advanceTreatments(state.treatments, entry);
  const problem = advanceKept(state.kept, entry);
  return advance(state.positions, entry) ?? problem;
}

export function copyLogState(state: LogState): LogState {
  const positions = [...state.positions].map(
    ([zone, position]) => [zone, { ...position }] as const,
  );
  return {
    ...state,
    positions: new Map(positions),
    recipients: new Map(state.recipients),
    kept: copyKept(state.kept),
    holds: new Map(state.holds),
    treatments: new Map(state.treatments),
  };
}
