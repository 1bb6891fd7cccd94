/** Reads a file that need not exist: missing is an answer, every other problem is an error. */
import { readFile } from "node:fs/promises";

export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
