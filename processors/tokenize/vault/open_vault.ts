/**
 * The vault that a configuration names, and the mark by which an agent knows it again.
 *
 * Invariant: an agent that has written to a vault never begins another one by itself. A lost file
 * or an emptied database would otherwise give new random tokens to known values, and nobody would
 * notice that the old ones are closed for good.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../../../src/component/errors.ts";
import type { Clock, RandomSource } from "../../../src/component/settings.ts";
import { writeFileDurably } from "../../../src/lib/durable_file.ts";
import { SqliteVault } from "./sqlite_vault.ts";
import type { Vault, VaultState } from "./vault.ts";
import type { VaultConfig } from "./vault_config.ts";

const ID_BYTES = 16;
const ID_FILE = "vault.id";
const ID_LINE = /^VOUCHSAFE-VAULT-1 ([0-9a-f]{32})\n$/;

/** `directory` is the folder that all tokenizers of an agent share. Nothing is opened yet. */
export async function vaultOf(
  config: VaultConfig,
  directory: string,
  clock: Clock,
): Promise<Vault> {
  if (config.driver === "postgres") {
    const { PostgresVault } = await import("./postgres_vault.ts");
    return new PostgresVault(config.url!, config.timeout, clock);
  }
  return new SqliteVault(config.path ?? join(directory, "vault.sqlite"));
}

export function indexKeyFileOf(config: VaultConfig, directory: string): string {
  return config.index_key_file ?? join(directory, "vault-index.key");
}

export interface OwnVaultOptions {
  readonly indexKeyName: string;
  /** The folder of the one tokenizer, in which the mark is. */
  readonly directory: string;
  readonly random: RandomSource;
}

/**
 * Opens the vault that this tokenizer has used before, or takes or makes one when it has used none.
 * Throws `vault.lost`, `vault.foreign`, `storage.insecure`, `storage.unwritable`, `.corrupt`, and
 * `vault.unavailable` when trying again can help.
 */
export async function openOwnVault(vault: Vault, options: OwnVaultOptions): Promise<VaultState> {
  const { indexKeyName, directory, random } = options;
  const idFile = join(directory, ID_FILE);
  const id = await readId(idFile);
  const made = id === undefined ? { id: newId(random), indexKeyName } : undefined;
  const state = await vault.open({ made });
  if (state === undefined) {
    const message = `the vault that ${idFile} names is gone; restore it or remove that file`;
    throw new AgentError("vault.lost", message);
  }
  if (id !== undefined && state.id !== id) {
    throw new AgentError("vault.foreign", `the vault is not the one that ${idFile} names`);
  }
  if (state.indexKeyName !== indexKeyName) throw otherIndexKey();
  if (id === undefined) await writeFileDurably(idFile, `VOUCHSAFE-VAULT-1 ${state.id}\n`);
  return state;
}

export function otherIndexKey(): AgentError {
  return new AgentError(
    "vault.foreign",
    "the vault was made with another index key; copy the index key of the host that made it",
  );
}

function newId(random: RandomSource): string {
  const bytes = Buffer.alloc(ID_BYTES);
  random(bytes);
  return bytes.toString("hex");
}

async function readId(path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(path, "latin1");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AgentError("storage.corrupt", `${path} cannot be read`, { cause });
  }
  const id = ID_LINE.exec(text)?.[1];
  if (id === undefined) throw new AgentError("storage.corrupt", `${path} names no vault`);
  return id;
}
