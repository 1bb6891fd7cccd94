/** What a check of `vouchsafe doctor` found out, with one fix for each trouble. */

/** `warning`: the agent runs, but somebody should know. `problem`: it cannot run or do its work. */
export type FindingStatus = "ok" | "warning" | "problem";

export interface Finding {
  /** What was looked at, such as `node`, `ports` or `files`. */
  readonly check: string;
  readonly status: FindingStatus;
  /** Names, counts and places. Never log content or a secret. */
  readonly message: string;
  /** What to do; only where there is trouble. */
  readonly fix?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, status: "ok", message });

export const warning = (check: string, message: string, fix: string): Finding => ({
  check,
  status: "warning",
  message,
  fix,
});

export const problem = (check: string, message: string, fix: string): Finding => ({
  check,
  status: "problem",
  message,
  fix,
});
