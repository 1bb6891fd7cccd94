/**
 * The beginning of a chain: K_0 is drawn, sealed to the auditor, turned into the first run's key,
 * and forgotten.
 *
 * Invariant: a sealed K_0 is never overwritten, and no tag is made before it is durable. The sealed
 * file waits under another name until the state is written, so that a crash in between begins anew
 * and a `genesis.age` always belongs to a chain that has a state.
 *
 * Trust: `genesis.age` only opens with the auditor's identity. `auditor-identity.txt` opens it: who
 * reads that file while it lies here can forge the whole chain.
 */
import { access, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { AgentError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import { syncDirectory, writeFileDurably } from "../../src/lib/durable_file.ts";
import { CHAIN_ID_BYTES, CHAIN_KEY_BYTES, formatChainKey } from "./chain_key.ts";
import type { StoredChain } from "./chain_state.ts";
import { readChainState, writeChainState } from "./chain_state.ts";
import type { Config } from "./config.ts";
import { readChainKey, readIdentity } from "./key_files.ts";
import { firstRunKey, genesisValue } from "./key_schedule.ts";

export const GENESIS_FILE = "genesis.age";
export const IDENTITY_FILE = "auditor-identity.txt";
const UNFINISHED_FILE = "genesis-unfinished.age";

/** The stored chain of this folder, begun when there is none. */
export async function openOrBeginChain(
  directory: string,
  config: Config,
  settings: Settings,
): Promise<StoredChain> {
  const stored = await readChainState(directory);
  if (stored === undefined) return beginChain(directory, config, settings);
  await finishGenesis(directory);
  return stored;
}

/** A file on this host with which the whole chain could be forged, if one is there. */
export async function keyLeftOnHost(
  directory: string,
  config: Config,
): Promise<string | undefined> {
  const candidates = [
    join(directory, IDENTITY_FILE),
    ...(config.key_file ? [config.key_file] : []),
  ];
  for (const path of candidates) if (await exists(path)) return path;
  return undefined;
}

async function beginChain(
  directory: string,
  config: Config,
  settings: Settings,
): Promise<StoredChain> {
  if (await exists(join(directory, GENESIS_FILE))) {
    throw new AgentError(
      "hmac_chain.state_missing",
      `${directory} has a ${GENESIS_FILE} but no state: restore chain.state, ` +
        `or move ${GENESIS_FILE} to the auditor to begin a new chain`,
    );
  }
  const id = new Uint8Array(CHAIN_ID_BYTES);
  settings.random(id);
  const chain = Buffer.from(id).toString("hex");
  const key = await firstKey(config, settings);
  const recipients = await auditors(directory, config, settings);
  if (recipients.length > 0) {
    const sealed = await seal(formatChainKey(key, chain), recipients);
    await writeFileDurably(join(directory, UNFINISHED_FILE), sealed);
  }
  const stored: StoredChain = {
    state: {
      version: 1,
      chain,
      next_run: 0,
      reserved_until: 0,
      acknowledged: { sequence: -1, tag: genesisValue(chain) },
      undelivered: [],
    },
    nextRunKey: firstRunKey(key, chain),
  };
  key.fill(0);
  await writeChainState(directory, stored);
  await finishGenesis(directory);
  settings.logger.info("a new chain begins", { chain, directory });
  return stored;
}

async function firstKey(config: Config, settings: Settings): Promise<Uint8Array> {
  if (config.key_file !== undefined) {
    const { key, chain } = await readChainKey(config.key_file);
    if (((await stat(config.key_file)).mode & 0o077) !== 0) {
      throw new AgentError(
        "storage.insecure",
        `other users may read or write ${config.key_file}; set its mode to 0600, or make a new key`,
      );
    }
    if (chain === undefined) return key.reveal();
    throw new AgentError(
      "hmac_chain.key_file",
      `${config.key_file} is the key of the chain ${chain}; a new chain needs a new key`,
    );
  }
  const key = new Uint8Array(CHAIN_KEY_BYTES);
  settings.random(key);
  return key;
}

/** Whom K_0 is sealed to. Nobody when the operator made the key: they have it already. */
async function auditors(
  directory: string,
  config: Config,
  settings: Settings,
): Promise<readonly string[]> {
  if (config.recipients.length > 0 || config.key_file !== undefined) return config.recipients;
  const path = join(directory, IDENTITY_FILE);
  // An identity that lies here may be the only one that opens an earlier chain: it is used again.
  if (await exists(path)) return [await identityToRecipient(await readIdentity(path))];
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const created = new Date(settings.clock.nowMs()).toISOString();
  const text = `# created: ${created}\n# public key: ${recipient}\n${identity}\n`;
  await writeFileDurably(path, text);
  return [recipient];
}

async function seal(text: string, recipients: readonly string[]): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(text);
}

async function finishGenesis(directory: string): Promise<void> {
  const unfinished = join(directory, UNFINISHED_FILE);
  if (!(await exists(unfinished))) return;
  if (await exists(join(directory, GENESIS_FILE))) await rm(unfinished);
  else await rename(unfinished, join(directory, GENESIS_FILE));
  await syncDirectory(directory);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
