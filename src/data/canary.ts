/**
 * The mark of a canary: a record with made-up personal values that is sent through the pipelines to
 * see whether they protect. A guard at the end of each takes it out and tells how it arrived; the
 * gate before the exporters lets none pass.
 *
 * Invariant: the mark lives in memory alone. No codec writes it and nothing from outside can set it.
 */
export interface CanaryMark {
  /** What the made-up value is, for example `email`. */
  readonly kind: string;
  /** Called by the guard of a pipeline: did the value come through as it was sent? */
  arrived(pipeline: string, leaked: boolean): void;
}
