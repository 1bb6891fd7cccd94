/**
 * Early news of new and changed files, through chokidar. It only makes the next poll come sooner:
 * nothing depends on an event, and without any the files are read all the same.
 */
import type { FSWatcher } from "chokidar";
import { watch } from "chokidar";
import type { ComponentLogger } from "../../src/component/settings.ts";
import type { Glob } from "./glob.ts";

export interface Watcher {
  close(): Promise<void>;
}

export function watchFiles(
  globs: readonly Glob[],
  logger: ComponentLogger,
  changed: (path: string) => void,
): Watcher {
  const watchers: FSWatcher[] = [];
  let reported = false;
  // One watcher for each depth, since it is an option of the whole watcher.
  const basesByDepth = new Map<number, Set<string>>();
  for (const { base, segments } of globs) {
    const depth = segments.includes("**") ? Number.POSITIVE_INFINITY : segments.length - 1;
    const bases = basesByDepth.get(depth) ?? new Set();
    basesByDepth.set(depth, bases.add(base));
  }
  for (const [depth, bases] of basesByDepth) {
    const watcher = watch([...bases], {
      ...{ ignoreInitial: true, atomic: false, persistent: false, ignorePermissionErrors: true },
      ...(Number.isFinite(depth) ? { depth } : {}),
    });
    watcher.on("add", changed).on("change", changed).on("unlink", changed);
    watcher.on("error", (error) => {
      if (reported) return;
      reported = true;
      logger.warn("files cannot be watched; they are polled alone", {
        error: (error as NodeJS.ErrnoException).code ?? "unknown",
      });
    });
    watchers.push(watcher);
  }
  return {
    close: async () => {
      await Promise.all(watchers.map((watcher) => watcher.close()));
    },
  };
}
