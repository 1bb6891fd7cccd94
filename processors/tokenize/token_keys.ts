/**
 * Root keys of tokens, one file each: `token-<key id>.key`, mode 0600, holding the one line
 * `VOUCHSAFE-TOKEN-KEY-1 <key id> <base64 of 32 bytes>`.
 *
 * Trust: whoever reads a root key can test guesses of a value against its tokens. Whoever can write
 * into the folder decides which key is used. So both belong to the agent's user alone, and files or
 * folders open to others are refused.
 */
import type { Stats } from "node:fs";
import { open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { RandomSource } from "../../src/component/settings.ts";
import {
  makePrivateDirectory,
  syncDirectory,
  writeFileDurably,
} from "../../src/lib/durable_file.ts";
import { Secret } from "../../src/lib/secret.ts";

const FILE_NAME = /^token-([a-z0-9]{1,24})\.key$/;
/** What is left of a destroyed key, so that its id is never given again. It is empty. */
const TOMBSTONE = /^token-([a-z0-9]{1,24})\.destroyed$/;
const LINE = /^VOUCHSAFE-TOKEN-KEY-1 ([a-z0-9]{1,24}) ([A-Za-z0-9+/]{43}=)\n?$/;
const KEY_BYTES = 32;

export interface TokenKey {
  readonly kid: string;
  /** 32 bytes. */
  readonly root: Secret<Uint8Array>;
}

export interface TokenKeys {
  /** The one whose id sorts last: new tokens are made with it. */
  readonly active: TokenKey;
  /** Key ids that made tokens before. */
  readonly retired: readonly string[];
}

/**
 * Reads the folder. Throws `tokenize.no_key` when there is none, `tokenize.key_malformed` for a
 * folder that cannot be read or a file that is no key, `storage.insecure` for what others can read
 * or change.
 */
export async function readTokenKeys(directory: string): Promise<TokenKeys> {
  const { kids } = await listFolder(directory);
  const newest = kids.at(-1);
  if (newest === undefined) throw noKey(directory);
  const keys = await Promise.all(kids.map((kid) => readKey(directory, kid)));
  return { active: keys.at(-1)!, retired: kids.slice(0, -1) };
}

export interface TokenKeyState {
  readonly kid: string;
  readonly state: "active" | "retired" | "destroyed";
}

/** All key ids of a folder, the oldest first. Reads no key. Throws as {@link readTokenKeys}. */
export async function listTokenKeys(directory: string): Promise<TokenKeyState[]> {
  const { kids, destroyed } = await listFolder(directory);
  const newest = kids.at(-1);
  const states = [
    ...destroyed.map((kid): TokenKeyState => ({ kid, state: "destroyed" })),
    ...kids.map(
      (kid): TokenKeyState => ({
        kid,
        state: kid === newest ? "active" : "retired",
      }),
    ),
  ];
  return states.sort((a, b) => (a.kid < b.kid ? -1 : 1));
}

/** Start of the UTC day in a key's id; undefined for an id that somebody else chose. */
export function createdMs(kid: string): number | undefined {
  const day = /^k(\d{4})(\d{2})(\d{2})[a-z]+$/.exec(kid);
  if (day === null) return undefined;
  const ms = Date.parse(`${day[1]}-${day[2]}-${day[3]}T00:00:00Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * Ends a retired key: nobody can compute its tokens again. The file is overwritten and removed;
 * copies elsewhere, and old blocks of a flash disk, are out of reach.
 * Throws `tokenize.key_in_use` for the active key, `tokenize.no_key` for one that is not there.
 */
export async function destroyTokenKey(
  directory: string,
  kid: string,
  random: RandomSource,
): Promise<void> {
  const { kids, destroyed } = await listFolder(directory);
  // A crash may have left the file beside its tombstone: then this finishes it.
  if (!kids.includes(kid) && !destroyed.includes(kid)) {
    throw new AgentError("tokenize.no_key", `there is no key ${kid} in ${directory}`);
  }
  if (kids.at(-1) === kid) {
    const message = `${kid} makes the new tokens; first run vouchsafe keys rotate -d ${directory}`;
    throw new AgentError("tokenize.key_in_use", message);
  }
  const path = join(directory, `token-${kid}.key`);
  await writeFileDurably(join(directory, `token-${kid}.destroyed`), "", 0o600);
  const handle = await open(path, "r+").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    const noise = new Uint8Array((await handle.stat()).size);
    random(noise);
    await handle.write(noise, 0, noise.length, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rm(path);
  await syncDirectory(directory);
}

export interface TokenKeyOptions {
  readonly random: RandomSource;
  /** Wall clock; the day becomes part of the key id. */
  readonly nowMs: number;
}

/** Makes a new root key, which is the active one from then on. */
export async function generateTokenKey(
  directory: string,
  options: TokenKeyOptions,
): Promise<{ readonly kid: string; readonly path: string }> {
  await makePrivateDirectory(directory);
  const { kids, destroyed } = await listFolder(directory);
  const kid = nextKid([...kids, ...destroyed].sort().at(-1), options.nowMs);
  const path = join(directory, `token-${kid}.key`);
  const root = new Uint8Array(KEY_BYTES);
  options.random(root);
  const encoded = Buffer.from(root.buffer).toString("base64");
  await writeFileDurably(path, `VOUCHSAFE-TOKEN-KEY-1 ${kid} ${encoded}\n`, 0o600);
  root.fill(0);
  return { kid, path };
}

/** `k20261121a`, `k20261121b`, ...: always one that sorts after the newest there is. */
export function nextKid(newest: string | undefined, nowMs: number): string {
  const day = `k${new Date(nowMs).toISOString().slice(0, 10).replaceAll("-", "")}`;
  if (newest === undefined || newest < day) return `${day}a`;
  const last = newest.charCodeAt(newest.length - 1);
  // `z` is followed by `za`; a clock that went back continues the newest day.
  const isCountable = last >= 0x61 && last < 0x7a && newest.length > 1;
  return isCountable ? newest.slice(0, -1) + String.fromCharCode(last + 1) : `${newest}a`;
}

/** Key ids in rising order. One with a tombstone is destroyed, also if a crash left its file. */
async function listFolder(directory: string): Promise<{ kids: string[]; destroyed: string[] }> {
  let names: string[];
  let stats: Stats;
  try {
    names = await readdir(directory);
    stats = await stat(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") throw noKey(directory, cause);
    const message = `the folder of token keys ${directory} cannot be read`;
    const reason = describeError(cause);
    throw new AgentError("tokenize.key_malformed", `${message} (${reason})`, { cause });
  }
  if ((stats.mode & 0o022) !== 0) throw insecure(directory, "changed", "700");
  const matching = (pattern: RegExp): string[] =>
    names.flatMap((name) => pattern.exec(name)?.[1] ?? []).sort();
  const destroyed = matching(TOMBSTONE);
  return { kids: matching(FILE_NAME).filter((kid) => !destroyed.includes(kid)), destroyed };
}

async function readKey(directory: string, kid: string): Promise<TokenKey> {
  const path = join(directory, `token-${kid}.key`);
  const malformed = (why: string, cause?: unknown): AgentError =>
    new AgentError("tokenize.key_malformed", `${path} ${why}`, { cause });
  let stats: Stats;
  let text: string;
  try {
    stats = await stat(path);
    text = await readFile(path, "latin1");
  } catch (cause) {
    throw malformed("cannot be read", cause);
  }
  if ((stats.mode & 0o077) !== 0) throw insecure(path, "read", "600");
  const match = LINE.exec(text);
  if (match === null) throw malformed("does not hold one line VOUCHSAFE-TOKEN-KEY-1 ID KEY");
  if (match[1] !== kid) throw malformed("holds the key of another key id than its name says");
  return { kid, root: new Secret(new Uint8Array(Buffer.from(match[2]!, "base64"))) };
}

function noKey(directory: string, cause?: unknown): AgentError {
  return new AgentError(
    "tokenize.no_key",
    `no token key in ${directory}; make one: vouchsafe keys generate token -d ${directory}`,
    { cause },
  );
}

function insecure(path: string, verb: string, mode: string): AgentError {
  return new AgentError(
    "storage.insecure",
    `${path} can be ${verb} by other users; run: chmod ${mode} ${path}`,
  );
}
