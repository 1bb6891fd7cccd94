/**
 * The clock of the entries: the agent's, which may be set back, made to stand still until it has
 * caught up. So times in the log never go back, and an entry's time lies inside its epoch.
 */
import type { Clock } from "../../../src/component/settings.ts";

export type EntryClock = Pick<Clock, "nowMs">;

/** `latestMs` is the time of the newest entry so far. */
export function entryClock(clock: EntryClock, latestMs: number): EntryClock {
  let standsAtMs = latestMs;
  return {
    nowMs: () => {
      standsAtMs = Math.max(standsAtMs, clock.nowMs());
      return standsAtMs;
    },
  };
}
