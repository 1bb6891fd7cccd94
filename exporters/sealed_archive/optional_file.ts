/**
 * Reads a file that need not exist: missing is an answer, every other problem is an error.
 *
 * Invariant: nothing but a regular file is read, so that a pipe or a device that somebody put in its
 * place is named, and never waited for.
 */
import { constants, open } from "node:fs/promises";
import { AgentError } from "../../src/component/errors.ts";

/** Opens without waiting for the other end of a pipe. */
export const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK;

/** Throws `archive.unreadable` for what is no regular file. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  const handle = await open(path, READ_AT_ONCE).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    if ((await handle.stat()).isFile()) return await handle.readFile();
    throw new AgentError("archive.unreadable", `${path} is no regular file`);
  } finally {
    await handle.close();
  }
}
