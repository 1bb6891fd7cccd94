/** What the log of an archive says, taken together: its holds, its segments, its readers. */
import { AgentError } from "../../../src/component/errors.ts";
import type { Entry } from "../format/entry.ts";
import { parseEntry } from "../format/entry.ts";
import type { LogState } from "../format/log_state.ts";
import { advanceLog, emptyLogState } from "../format/log_state.ts";
import type { NoteVerifier } from "../format/note.ts";
import { LogFiles } from "./log_files.ts";
import { LogWalk } from "./log_walk.ts";

/**
 * As of the newest checkpoint. Throws `archive.tampered` and `archive.unreadable`.
 */
export async function readLogState(archive: string): Promise<LogState> {
  const state = emptyLogState();
  for await (const { index, entry } of readSignedEntries(archive)) advanceLog(state, entry, index);
  return state;
}

/**
 * The entries of kinds that are known. Without `verifier` the key beside the archive is trusted, as
 * commands on the agent's own host do. Throws at the end when they are not what was signed.
 */
export async function* readSignedEntries(
  archive: string,
  verifier?: NoteVerifier,
): AsyncGenerator<{ readonly index: number; readonly entry: Entry }> {
  const files = new LogFiles(archive);
  const key = verifier ?? (await files.readVerifier());
  const { checkpoint, problem } = await files.readCheckpoint(key);
  if (problem !== undefined) {
    throw new AgentError("archive.tampered", `${archive}/log/checkpoint: ${problem}`);
  }
  const walk = new LogWalk(files, () => {});
  for await (const { index, bytes } of walk.entriesTo(checkpoint.size)) {
    const entry = parseEntry(bytes);
    if (entry.type !== "unknown" && entry.type !== "malformed") yield { index, entry };
  }
  if (walk.isWhole && walk.root().equals(checkpoint.root)) return;
  throw new AgentError("archive.tampered", `the entries of ${archive} do not give the signed root`);
}
