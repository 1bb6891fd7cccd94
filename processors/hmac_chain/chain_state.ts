/**
 * The state of a chain between two runs: `chain.state`, one line of JSON and then the 32 bytes of
 * the next run's key, replaced as a whole.
 *
 * Invariant: the file never holds a key that made a tag. The key of a run is read from it once, and
 * the key of the next run has taken its place durably before the first tag is made.
 *
 * Trust: only the agent may write it. Who reads it can forge what a later run writes, nothing that
 * was written before. Who puts an older copy back makes the chain fork, which a verifier sees.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AgentError } from "../../src/component/errors.ts";
import { writeFileDurably } from "../../src/lib/durable_file.ts";
import { CHAIN_KEY_BYTES } from "./chain_key.ts";

const sequence = z.int().min(0);
const stateSchema = z.strictObject({
  version: z.literal(1),
  chain: z.string().regex(/^[0-9a-f]{32}$/),
  /** The run whose key follows. */
  next_run: sequence,
  /** No sequence from here on was issued. */
  reserved_until: sequence,
  /** The last sequence known to be delivered with all before it, and its tag; -1 for none. */
  acknowledged: z.strictObject({ sequence: z.int().min(-1), tag: z.base64().length(44) }),
  /** Refused sequences that no delivered record has stated yet. */
  undelivered: z.array(z.strictObject({ first: sequence, last: sequence })),
});

export type ChainState = z.infer<typeof stateSchema>;

export interface StoredChain {
  readonly state: ChainState;
  /** R(next_run). */
  readonly nextRunKey: Uint8Array;
}

const FILE_NAME = "chain.state";
const NEWLINE = 0x0a;

/** Undefined when there is no state. Throws `storage.corrupt` for one that is damaged. */
export async function readChainState(directory: string): Promise<StoredChain | undefined> {
  const path = join(directory, FILE_NAME);
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AgentError("storage.corrupt", `cannot read ${path}`, { cause });
  }
  const end = content.indexOf(NEWLINE);
  const nextRunKey = Uint8Array.from(content.subarray(end + 1));
  const parsed = stateSchema.safeParse(parseJson(content.toString("utf8", 0, end)));
  content.fill(0);
  if (end < 0 || nextRunKey.length !== CHAIN_KEY_BYTES || !parsed.success) {
    throw new AgentError("storage.corrupt", `${path} is not the state of a chain`);
  }
  return { state: parsed.data, nextRunKey };
}

/** Replaces the state durably. Throws `hmac_chain.state_unwritable`; the old one is then intact. */
export async function writeChainState(directory: string, stored: StoredChain): Promise<void> {
  const path = join(directory, FILE_NAME);
  const line = Buffer.from(`${JSON.stringify(stored.state)}\n`);
  const content = Buffer.concat([line, stored.nextRunKey]);
  try {
    await writeFileDurably(path, content);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new AgentError("hmac_chain.state_unwritable", `cannot write ${path}: ${reason}`, {
      cause,
    });
  } finally {
    content.fill(0);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
