/**
 * The archive's folders: public, because everything in them is either meant for everyone or
 * encrypted, and auditors read them under another account.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory } from "../../../src/lib/durable_file.ts";

const PUBLIC_DIRECTORY_MODE = 0o755;

/** Makes the folder and its parents, durably; nothing happens when it exists. */
export async function makePublicDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: PUBLIC_DIRECTORY_MODE });
  if (first === undefined) return;
  // Each new name stands in its parent, from the innermost up to the first that was made.
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await syncDirectory(dirname(made));
  }
}
