/**
 * One process at a time in a folder.
 *
 * Invariant: while a lock is held, no other process, and no second holder in this one, acquires it.
 * The kernel holds it (the write lock that SQLite takes on the file), so it ends with the process,
 * `kill -9` included: there is no stale lock to detect and no moment at which two can take one
 * over. The process id in the file is only there to be named in an error; nothing trusts it. The
 * file stays after a release, because removing it would open a race.
 *
 * Nothing in this process may open the file in any other way: POSIX drops all locks of a process
 * when it closes any descriptor of the file.
 */
import { open } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { AgentError } from "../component/errors.ts";

export interface FileLock {
  /** Gives the folder free; harmless when called again. */
  release(): Promise<void>;
}

/** How long two processes that start at the same moment wait for each other. */
const RACE_TIMEOUT_MS = 200;
const SQLITE_BUSY = 5;

// A database that nobody refers to is collected, and its lock would go with it.
const held = new Set<DatabaseSync>();

/**
 * Takes the lock whose file is `path` (made with mode 0600; the folder must exist).
 * Throws `storage.locked` with the holder's process id, `storage.unwritable` when the file cannot
 * be written.
 */
export async function acquireLock(path: string): Promise<FileLock> {
  let database: DatabaseSync | undefined;
  try {
    await createPrivateFile(path);
    database = new DatabaseSync(path, { timeout: RACE_TIMEOUT_MS });
    database.exec("BEGIN IMMEDIATE");
    database.exec(`PRAGMA user_version = ${process.pid}; COMMIT; BEGIN IMMEDIATE`);
  } catch (cause) {
    const error = refusal(path, database, cause);
    database?.close();
    throw error;
  }
  const holder = database;
  held.add(holder);
  return {
    release: async () => {
      if (held.delete(holder)) holder.close();
    },
  };
}

async function createPrivateFile(path: string): Promise<void> {
  try {
    await (await open(path, "wx", 0o600)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function refusal(path: string, database: DatabaseSync | undefined, cause: unknown): AgentError {
  const busy = (cause as { errcode?: number }).errcode === SQLITE_BUSY;
  if (!busy) return new AgentError("storage.unwritable", `cannot lock ${path}`, { cause });
  return new AgentError(
    "storage.locked",
    `${path} is held by ${holderName(database)}; stop it, or use another directory`,
  );
}

function holderName(database: DatabaseSync | undefined): string {
  try {
    const row = database?.prepare("PRAGMA user_version").get();
    return row?.user_version ? `process ${String(row.user_version)}` : "another process";
  } catch {
    return "another process";
  }
}
