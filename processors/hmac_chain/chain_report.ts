/** What a verifier says about one chain. */
import type { RecordPlace } from "./record_table.ts";
import type { SequenceRange } from "./statement.ts";

/**
 * - `edit`: the record, its sequence or its value is not what the agent wrote.
 * - `hole`: sequences are missing and no statement of the agent explains it.
 * - `duplicate`: the same record is there twice.
 * - `reorder`: records exchanged their sequences, or stand in another order (`ordered` only).
 * - `fork`: the agent itself continued the chain in two ways, as it does after its state was put
 *   back to an older copy.
 * - `unproven`: the record before it is missing or edited, so its content cannot be checked.
 */
export type FindingKind = "edit" | "hole" | "duplicate" | "reorder" | "fork" | "unproven";

/** Sequences are -1 where the record has none that can be read. */
export interface ChainFinding extends SequenceRange {
  readonly kind: FindingKind;
  /** Absent for what is not there. */
  readonly place: RecordPlace | undefined;
  readonly detail: string;
}

export interface ChainReport {
  readonly chain: string;
  /** Records that named this chain, and those of them that are as the agent wrote them. */
  readonly records: number;
  readonly genuine: number;
  /** Of the genuine ones; -1 when there are none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly restarts: number;
  /** Missing sequences that statements of the agent, or the caller, explain. */
  readonly explained: number;
  /** Records at a border that the caller set: nothing is wrong, and their content is not proven. */
  readonly unprovenAtBorder: readonly number[];
  /** By sequence; beyond a limit they are only counted. */
  readonly findings: readonly ChainFinding[];
  readonly counts: Readonly<Record<FindingKind, number>>;
}
