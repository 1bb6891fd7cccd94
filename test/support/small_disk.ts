/** A real file system that is soon full. */
import { execFileSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";

/** Why tests with a disk of their own are left out, false when they are not. */
export const skipWithoutMount: string | false =
  process.getuid?.() === 0 ? false : "needs root to mount a small file system";

export interface SmallDisk {
  readonly path: string;
  /** Takes all the space that is left. */
  readonly fill: () => void;
  readonly free: () => Promise<void>;
}

/** A file system of `mebibytes` that lives as long as the test. */
export async function mountSmallDisk(t: TestContext, mebibytes = 4): Promise<SmallDisk> {
  let path = "";
  // Before the folder's own clean-up, which runs later because it is registered later.
  t.after(() => execFileSync("umount", ["-l", path]));
  path = join(await temporaryDirectory(t), "small");
  await mkdir(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path]);
  const ballast = join(path, "ballast");
  return {
    path,
    fill: () => {
      // Ends with an error when nothing is left, which is what is wanted.
      execFileSync("sh", [
        "-c",
        'dd if=/dev/zero of="$1" bs=4k 2>/dev/null || true',
        "sh",
        ballast,
      ]);
    },
    free: () => rm(ballast),
  };
}
