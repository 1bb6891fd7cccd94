/**
 * What an operator is: one step between a line and its record.
 *
 * Invariant: operators of one file see its lines in order, and the same lines again give the same
 * records, so that a replay after a crash is recognised by its source positions.
 */
import type { SeverityNumber } from "@opentelemetry/api";
import type { AnyValue, AnyValueMap, Attributes } from "../../data/any_value.ts";
import type { HrTime } from "../../data/time.ts";

/** A record in the making. One object is used again for all lines of a batch. */
export interface Entry {
  body: AnyValue;
  attributes: Attributes;
  /** Shared between records until an operator replaces it. */
  resource: AnyValueMap;
  hrTime: HrTime;
  severityNumber: SeverityNumber | undefined;
  severityText: string | undefined;
  /** Byte offset in the file at which the line begins. */
  start: number;
  /** The line's number in the file, from 1. */
  number: number;
}

/** Where reading has to begin again so that what an operator holds back is seen once more. */
export interface HeldFrom {
  readonly offset: number;
  /** Lines before that offset. */
  readonly lines: number;
}

export interface Operator {
  /** Changes the entry in place. False: there is no record (dropped, or held for a later line). */
  process(entry: Entry): boolean;
  /** The oldest line that is held back, if any. */
  heldFrom?(): HeldFrom | undefined;
  /** The file is over: an entry that was held back and is now as whole as it will be. */
  release?(): Entry | undefined;
}

/** What an operator knows of the file and of the agent around it. */
export interface OperatorContext {
  readonly path: string;
  readonly nowMs: () => number;
  /** Counts a line that the operator could not treat, and says so now and then. */
  readonly failed: (operator: string, quiet: boolean) => void;
}

export type OnError = "send" | "send_quiet" | "drop" | "drop_quiet";

/** Applies `on_error`: counts, and tells whether the untreated line goes on. */
export function handleFailure(context: OperatorContext, name: string, onError: OnError): boolean {
  context.failed(name, onError.endsWith("_quiet"));
  return onError.startsWith("send");
}
