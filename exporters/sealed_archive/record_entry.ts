/**
 * Has an entry recorded in an archive from outside the agent: by the agent when one runs, through
 * its socket, and otherwise by opening the archive as its writer.
 *
 * Invariant: it resolves only when the entry is on disk, and there is never a second writer.
 */
import { once } from "node:events";
import { stat } from "node:fs/promises";
import type { Socket } from "node:net";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { AgentError } from "../../src/component/errors.ts";
import { acquireLock } from "../../src/lib/lock_file.ts";
import { systemClock, systemRandom } from "../../src/lib/system_clock.ts";
import type { SealedArchiveConfig } from "./config.ts";
import type { EntryRequest } from "./format/entry.ts";
import { parseRequest, SOCKET_FILE } from "./writer/entry_door.ts";
import { openArchive } from "./writer/open_archive.ts";

/** An agent that starts or ends holds the lock without a socket for a moment. */
const TRIES_MAX = 50;
const TRY_MS = 100;
const ANSWER_MS_MAX = 30_000;
const ANSWER_LENGTH_MAX = 4096;

const answerSchema = z.union([
  z.strictObject({ index: z.number().int() }),
  z.strictObject({ error: z.string() }),
]);

export interface RecordEntryOptions {
  readonly config: SealedArchiveConfig;
  /** The archive's own folder below the agent's state directory; it exists. */
  readonly stateDirectory: string;
  readonly entry: EntryRequest;
}

/**
 * Throws `archive.entry_refused` when the agent does not take the entry, or this is another user's
 * archive; `storage.locked` when neither the agent answers nor its lock is free; and what opening an
 * archive throws.
 */
export async function recordEntry(options: RecordEntryOptions): Promise<{ index: number }> {
  const { stateDirectory } = options;
  const line = JSON.stringify(parseRequest(JSON.stringify(options.entry)));
  for (let tries = 1; ; tries++) {
    const socket = await connect(join(stateDirectory, SOCKET_FILE));
    if (socket !== undefined) return { index: await ask(socket, line) };
    try {
      return { index: await recordAlone(options) };
    } catch (error) {
      const isLocked = error instanceof AgentError && error.code === "storage.locked";
      if (!isLocked || tries === TRIES_MAX) throw error;
    }
    await pause(TRY_MS);
  }
}

/** Undefined when nobody listens. */
async function connect(path: string): Promise<Socket | undefined> {
  const socket = createConnection(path);
  try {
    await once(socket, "connect");
    return socket;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
    throw refused(`cannot speak to the agent through ${path}`, cause);
  }
}

async function ask(socket: Socket, line: string): Promise<number> {
  let text = "";
  socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
  try {
    socket.end(`${line}\n`);
    for await (const chunk of socket.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length > ANSWER_LENGTH_MAX) break;
    }
    const answer = answerSchema.parse(JSON.parse(text));
    if ("index" in answer) return answer.index;
    text = answer.error;
  } catch (cause) {
    throw refused("the agent gave no answer; it is not known whether it recorded the entry", cause);
  } finally {
    socket.destroy();
  }
  throw refused(`the agent says: ${text}`);
}

async function recordAlone(options: RecordEntryOptions): Promise<number> {
  const { config, stateDirectory, entry } = options;
  const { uid } = await stat(stateDirectory).catch((cause: unknown) => {
    throw refused(`no agent runs, and the state directory ${stateDirectory} is not there`, cause);
  });
  // Files of another owner would keep the agent from its own archive.
  if (uid !== process.geteuid?.()) {
    throw refused(`no agent runs, and ${stateDirectory} belongs to another user: be that user`);
  }
  const lock = await acquireLock(join(stateDirectory, "lock"));
  // The timers of the writer do not keep a process alive, and this one has nothing else to wait for.
  const alive = setInterval(() => {}, 1000);
  try {
    return await writeAlone(config, stateDirectory, entry);
  } finally {
    clearInterval(alive);
    await lock.release();
  }
}

async function writeAlone(
  config: SealedArchiveConfig,
  stateDirectory: string,
  entry: EntryRequest,
): Promise<number> {
  const quiet = (): void => {};
  const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const settings = { clock: systemClock, random: systemRandom, logger };
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(quiet);
  const writer = await openArchive(config, settings, stateDirectory, {
    onCommitFailure: (cause) => {
      failed.reject(new AgentError("storage.unwritable", "cannot write the archive", { cause }));
    },
    onCommitRecovered: quiet,
    onCommitted: quiet,
    onProgress: quiet,
  });
  try {
    const recorded = writer.record(entry);
    recorded.catch(quiet);
    const index = await Promise.race([recorded, failed.promise]);
    await writer.publish();
    return index;
  } finally {
    await writer.abandon(new AgentError("pipeline.shutting_down", "the archive is closed"));
    await writer.close();
  }
}

function refused(message: string, cause?: unknown): AgentError {
  return new AgentError("archive.entry_refused", message, { cause });
}
