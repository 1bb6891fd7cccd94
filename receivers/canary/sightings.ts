/**
 * What became of the canaries, for each kind in each pipeline.
 *
 * Invariant: one row for each kind and pipeline, made at the start, so that a pipeline from which
 * nothing ever came back is seen like one from which nothing comes back any more.
 */
import type { CanaryKind } from "../../src/lib/canary_values.ts";

export interface Sighting {
  readonly kind: CanaryKind;
  readonly pipeline: string;
  /** Unix time of the last arrival without its value; undefined before the first. */
  treatedAtMs: number | undefined;
  /** Since the value last came through; ends when it arrives without. */
  isLeaking: boolean;
  isOverdue: boolean;
  /** Sent and not seen since: time of the oldest such sending. */
  awaitedSinceMs: number | undefined;
}

export class Sightings {
  readonly rows: readonly Sighting[];

  constructor(kinds: readonly CanaryKind[], pipelines: readonly string[]) {
    this.rows = pipelines.flatMap((pipeline) =>
      kinds.map((kind) => ({
        kind,
        pipeline,
        treatedAtMs: undefined,
        isLeaking: false,
        isOverdue: false,
        awaitedSinceMs: undefined,
      })),
    );
  }

  /** The kind was sent to all pipelines. */
  sent(kind: CanaryKind, nowMs: number): void {
    for (const row of this.rows) if (row.kind === kind) row.awaitedSinceMs ??= nowMs;
  }

  /** Gives the row when this arrival changed what is to be said about it. */
  arrived(
    kind: CanaryKind,
    pipeline: string,
    leaked: boolean,
    nowMs: number,
  ): Sighting | undefined {
    const row = this.rows.find((each) => each.kind === kind && each.pipeline === pipeline);
    if (row === undefined) return undefined;
    const isNews = row.isOverdue || row.isLeaking !== leaked;
    row.awaitedSinceMs = undefined;
    row.isOverdue = false;
    row.isLeaking = leaked;
    if (!leaked) row.treatedAtMs = nowMs;
    return isNews ? row : undefined;
  }

  /** Since when the canary is awaited that is awaited longest and not yet called overdue. */
  get awaitedSinceMs(): number | undefined {
    let oldestMs: number | undefined;
    for (const { isOverdue, awaitedSinceMs = Number.POSITIVE_INFINITY } of this.rows) {
      if (!isOverdue && awaitedSinceMs < (oldestMs ?? Number.POSITIVE_INFINITY)) {
        oldestMs = awaitedSinceMs;
      }
    }
    return oldestMs;
  }

  /** The rows that have become overdue since the last call. */
  overdue(nowMs: number, overdueAfterMs: number): Sighting[] {
    const late = this.rows.filter(
      ({ isOverdue, awaitedSinceMs }) =>
        !isOverdue && awaitedSinceMs !== undefined && nowMs - awaitedSinceMs >= overdueAfterMs,
    );
    for (const row of late) row.isOverdue = true;
    return late;
  }

  /** For the health page; undefined when all is well. */
  get complaint(): string | undefined {
    const parts = [
      describe(
        "came through unprotected",
        this.rows.filter(({ isLeaking }) => isLeaking),
      ),
      describe(
        "did not arrive at the guard",
        this.rows.filter(({ isOverdue }) => isOverdue),
      ),
    ].filter((part) => part !== undefined);
    return parts.length === 0 ? undefined : parts.join("; ");
  }
}

function describe(what: string, rows: readonly Sighting[]): string | undefined {
  if (rows.length === 0) return undefined;
  const list = rows.map(({ kind, pipeline }) => `${kind} in ${pipeline}`).join(", ");
  return `canaries ${what}: ${list}`;
}
