/** Verifier keys as a command line gives them. */
import { readFile } from "node:fs/promises";
import type { NoteVerifier } from "../../exporters/sealed_archive/format/note.ts";
import { parseVerifier } from "../../exporters/sealed_archive/format/note.ts";
import { AgentError } from "../component/errors.ts";

/** A vkey is text of one line with two `+`; anything else is the name of a file with one. */
export async function readVerifier(text: string): Promise<NoteVerifier> {
  if (/^[^+/\\]*[^+]*\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/.test(text)) return parseVerifier(text);
  try {
    return parseVerifier(await readFile(text, "utf8"));
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError("archive.key_invalid", `cannot read the verifier key ${text}`, { cause });
  }
}
