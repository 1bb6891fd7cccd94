/**
 * The log's signing key: made at the genesis, kept in the state directory or where the user says.
 *
 * Invariant: the key of an archive is never replaced by a new one. Without its key an archive is
 * read, verified and left alone.
 *
 * Trust: `log.key` (0600). Whoever reads it can sign another history of this archive. Only
 * checkpoints kept elsewhere reveal that.
 */
import { constants, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../../../src/component/errors.ts";
import type { RandomSource } from "../../../src/component/settings.ts";
import { createFileDurably } from "../../../src/lib/durable_file.ts";
import type { NoteSigner } from "../format/note.ts";
import { encodeSigningKey, parseSigningKey } from "../format/note.ts";

const KEY_FILE = "log.key";
const SEED_BYTES = 32;
const OTHERS = 0o077;

export interface LogKeyOptions {
  readonly stateDirectory: string;
  readonly keyFile: string | undefined;
  readonly origin: string;
  readonly random: RandomSource;
}

/** Undefined when the key is to be made and is not there. Throws `storage.insecure` and more. */
export async function readLogKey(options: LogKeyOptions): Promise<NoteSigner | undefined> {
  const path = options.keyFile ?? join(options.stateDirectory, KEY_FILE);
  let text: string;
  try {
    text = await readPrivateFile(path);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (isMissing && options.keyFile === undefined) return undefined;
    if (error instanceof AgentError) throw error;
    throw new AgentError("archive.key_invalid", `cannot read the log key ${path}`, {
      cause: error,
    });
  }
  const signer = parseSigningKey(text);
  if (signer.verifier.name === options.origin) return signer;
  throw new AgentError(
    "archive.foreign",
    `${path} is the key of ${signer.verifier.name}, the configured origin is ${options.origin}`,
  );
}

/** Somebody's signing key. Throws `storage.insecure` and `archive.key_invalid`. */
export async function readPrivateSigner(path: string): Promise<NoteSigner> {
  const text = await readPrivateFile(path).catch((cause: unknown) => {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError("archive.key_invalid", `cannot read the key ${path}`, { cause });
  });
  return parseSigningKey(text);
}

/** Makes the key of a new archive. */
export async function createLogKey(options: LogKeyOptions): Promise<NoteSigner> {
  const path = join(options.stateDirectory, KEY_FILE);
  await generateLogKey(path, options.origin, options.random);
  return parseSigningKey(await readPrivateFile(path));
}

/** Writes a new signing key into a new file (0600) and returns its vkey. Never overwrites. */
export async function generateLogKey(
  path: string,
  origin: string,
  random: RandomSource,
): Promise<string> {
  const seed = Buffer.alloc(SEED_BYTES);
  random(seed);
  const text = encodeSigningKey(origin, seed);
  seed.fill(0);
  await createPrivateFile(path, `${text}\n`);
  return parseSigningKey(text).verifier.vkey;
}

/** A new file that only its owner can read. Throws `archive.key_exists`. */
export async function createPrivateFile(path: string, content: string): Promise<void> {
  const isNew = await createFileDurably(path, content).catch((cause: unknown) => {
    throw new AgentError("storage.unwritable", `cannot write ${path}`, { cause });
  });
  if (isNew) return;
  throw new AgentError("archive.key_exists", `${path} exists; keys are never overwritten`);
}

/** Throws `storage.insecure` when others may read it, and what the file system throws. */
export async function readPrivateFile(path: string): Promise<string> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    const { mode } = await handle.stat();
    if ((mode & OTHERS) !== 0) {
      throw new AgentError("storage.insecure", `other users may read or write ${path}`);
    }
    return await readFile(handle, "utf8");
  } finally {
    await handle.close();
  }
}
