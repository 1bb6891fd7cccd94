/** Keys that the agent makes for itself: 32 random bytes in a file of the state directory, 0600. */
import type { KeyObject } from "node:crypto";
import { createSecretKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { AgentError } from "../component/errors.ts";
import type { RandomSource } from "../component/settings.ts";
import { writeFileDurably } from "./durable_file.ts";

const KEY_BYTES = 32;

/** Reads the key, and makes it first when there is none. Throws `storage.insecure`, `.corrupt`. */
export async function ownKey(path: string, random: RandomSource): Promise<KeyObject> {
  if (!(await exists(path))) {
    const bytes = new Uint8Array(KEY_BYTES);
    random(bytes);
    await writeFileDurably(path, bytes);
    bytes.fill(0);
  }
  let mode: number;
  let bytes: Buffer;
  try {
    mode = (await stat(path)).mode;
    bytes = await readFile(path);
  } catch (cause) {
    throw new AgentError("storage.corrupt", `the key ${path} cannot be read`, { cause });
  }
  if ((mode & 0o077) !== 0) {
    throw new AgentError("storage.insecure", `others can read ${path}; run chmod 600 ${path}`);
  }
  if (bytes.length !== KEY_BYTES) {
    throw new AgentError("storage.corrupt", `the key ${path} has not ${KEY_BYTES} bytes`);
  }
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
}
