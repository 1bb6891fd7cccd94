/**
 * What an operator is: one step between a line and its record.
 *
 * Invariant: operators of one file see its lines in order, and the same lines again give the same
 * records, so that a replay after a crash is recognised by its source positions.
 */
import type { SeverityNumber, SpanContext } from "@opentelemetry/api";
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
  spanContext: SpanContext | undefined;
  /** "" when the record names no scope. */
  scopeName: string;
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
  /**
   * Where the oldest line that is held back lies, if there is any. An operator that gives an older
   * record in the place of a line holds that line back.
   */
  heldFrom?(): HeldFrom | undefined;
  /** How long what is held back waits for more, while nothing comes. */
  readonly heldMs?: number;
  /** Nothing more comes for now: an entry that was held back and is now as whole as it will be. */
  release?(): Entry | undefined;
}

/**
 * BUG: JavaScript's engine backtracks, so an expression with nested repetition can take very long
 * on a hostile line. This bounds the damage; Go's own engine would be linear.
 */
export const REGEX_INPUT_CHARACTERS_MAX = 64 * 1024;

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
