/**
 * What every part of a pipeline is. Acknowledgement is the promise of `consumeLogs`: a receiver
 * moves its offset, or answers its client, only after it resolved, and it resolves only when every
 * exporter of every pipeline has the batch durably. Backpressure is the same promise, unresolved.
 */
import type { LogBatch } from "../data/log_batch.ts";

export interface LogsConsumer {
  /**
   * Resolved: you may forget the batch. Rejected: it is still yours; an `AgentError` says whether
   * trying again can help. Calls may overlap, and their order is the order of the records: an
   * implementation hands on (or seals, or sends) batches in the order in which it was called.
   */
  consumeLogs(batch: LogBatch): Promise<void>;
}

export interface Component {
  /** Called once, exporters first and receivers last. Rejects when the component cannot work. */
  start(): Promise<void>;
  /**
   * Stops and flushes. Receivers are shut down first, exporters last, so whatever a component
   * hands on while it flushes still arrives. May come before `start`, and twice.
   * `deadline` aborts when there is no more time; what is unfinished then is rejected, not lost.
   */
  shutdown(deadline: AbortSignal): Promise<void>;
}

export interface Receiver extends Component {}
export interface Processor extends Component, LogsConsumer {}
export interface Exporter extends Component, LogsConsumer {}
