/** What the log of an archive says, taken together: its holds, its segments, its readers. */
import { AgentError } from "../../../src/component/errors.ts";
import { parseEntry } from "../format/entry.ts";
import type { LogState } from "../format/log_state.ts";
import { advanceLog, emptyLogState } from "../format/log_state.ts";
import type { NoteVerifier } from "../format/note.ts";
import { LogFiles } from "./log_files.ts";
import { LogWalk } from "./log_walk.ts";

/**
 * As of the newest checkpoint, whose signature and root are checked; without `verifier` the key
 * beside the archive is trusted. Throws `archive.tampered` and `archive.unreadable`.
 */
export async function readLogState(archive: string, verifier?: NoteVerifier): Promise<LogState> {
  const files = new LogFiles(archive);
  const read = await files.readCheckpoint(verifier ?? (await files.readVerifier()));
  const { checkpoint, problem } = read;
  if (problem !== undefined) {
    throw new AgentError("archive.tampered", `${archive}/log/checkpoint: ${problem}`);
  }
  const state = emptyLogState();
  const walk = new LogWalk(files, () => {});
  for await (const { index, bytes } of walk.entriesTo(checkpoint.size)) {
    const entry = parseEntry(bytes);
    if (entry.type !== "unknown" && entry.type !== "malformed") advanceLog(state, entry, index);
  }
  if (walk.isWhole && walk.root().equals(checkpoint.root)) return state;
  throw new AgentError("archive.tampered", `the entries of ${archive} do not give the signed root`);
}
