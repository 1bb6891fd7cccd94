/** Says when a branch makes its senders wait: at first, then each time the wait has doubled. */
import { describeError } from "../component/errors.ts";
import type { Branch } from "./branch.ts";
import type { GraphEnvironment } from "./environment.ts";

export const WATCH_INTERVAL_MS = 1000;
/** Longer than a group commit, a slow answer and one retry; shorter than a client waits. */
export const BLOCKED_AFTER_MS = 10_000;

/** Returns the function that stops the watch. */
export function watchBranches(
  branches: readonly Branch[],
  environment: Pick<GraphEnvironment, "clock" | "instruments" | "logger">,
): () => void {
  const { clock, instruments, logger } = environment;
  const nextReportMs = new Map<Branch, number>();
  let cancel = (): void => {};

  const look = (): void => {
    for (const branch of branches) {
      const pendingMs = branch.pendingMs;
      const dueMs = nextReportMs.get(branch) ?? BLOCKED_AFTER_MS;
      if (pendingMs >= dueMs) {
        nextReportMs.set(branch, pendingMs * 2);
        logger.warn("a branch is blocked and makes its receivers wait", {
          branch: branch.name,
          waiting_s: Math.round(pendingMs / 1000),
          reason: branch.lastError === undefined ? "no answer" : describeError(branch.lastError),
        });
      } else if (pendingMs < BLOCKED_AFTER_MS && nextReportMs.delete(branch)) {
        logger.info("a branch flows again", { branch: branch.name });
      }
    }
    cancel = clock.setTimer(WATCH_INTERVAL_MS, look);
  };

  instruments.observeBranches(branches);
  look();
  return () => cancel();
}
