/** Other programs that a test needs: absent ones are said, and fail where they are required. */
import { spawnSync } from "node:child_process";

/**
 * The `skip` option for a test that needs these programs: false when all are there, else the
 * reason. With `REQUIRE_TOOLS=1`, as in CI, a missing one is a failure instead.
 */
export function skipWithout(...programs: readonly string[]): string | false {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return false;
  const reason = `needs ${missing.join(", ")}`;
  if (process.env.REQUIRE_TOOLS === "1") throw new Error(`${reason}, and REQUIRE_TOOLS is set`);
  return reason;
}

/** Looks where administrators' programs live, too. */
export const TOOL_PATH = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;

function isInstalled(program: string): boolean {
  const found = spawnSync("sh", ["-c", `command -v "${program}"`], {
    env: { ...process.env, PATH: TOOL_PATH },
  });
  return found.status === 0;
}
