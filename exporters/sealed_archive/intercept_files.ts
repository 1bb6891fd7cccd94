/** Lets a test look at the disk between any two operations that change files. */
import { fstatSync, readlinkSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import fsPromises, { open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const HANDLE_METHODS = [
  "write",
  "appendFile",
  "writeFile",
  "truncate",
  "datasync",
  "sync",
] as const;
const FILE_FUNCTIONS = ["rename", "link", "rm", "mkdir", "open"] as const;

type Patchable = Record<string, (...values: unknown[]) => unknown>;

/** Calls `before` ahead of every operation that changes a file; returns what undoes that. */
export async function interceptFiles(
  before: () => void,
  synced: (path: string, sizeBytes: number) => void = () => {},
): Promise<() => void> {
  const handle = await open(import.meta.filename);
  const prototype = Object.getPrototypeOf(handle) as Patchable;
  await handle.close();
  const undo: (() => void)[] = [];
  const patch = (target: Patchable, name: string, isSync: boolean): void => {
    const original = target[name]!;
    undo.push(() => {
      target[name] = original;
    });
    target[name] = async function patched(this: FileHandle, ...values: unknown[]) {
      before();
      const size = isSync ? fstatSync(this.fd).size : 0;
      const result = await original.apply(this, values);
      if (isSync) synced(readlinkSync(`/proc/self/fd/${this.fd}`), size);
      return result;
    };
  };
  for (const name of HANDLE_METHODS) patch(prototype, name, name.endsWith("sync"));
  for (const name of FILE_FUNCTIONS) patch(fsPromises as unknown as Patchable, name, false);
  syncBuiltinESMExports();
  return () => {
    for (const restore of undo) restore();
    syncBuiltinESMExports();
  };
}
