/** Finds the vaults that a configuration writes to, and opens them; none is ever made. */
import { join } from "node:path";
import type { CheckedConfig } from "../../config/load.ts";
import type { Config } from "../../processors/tokenize/config.ts";
import {
  indexKeyFileOf,
  otherIndexKey,
  vaultOf,
} from "../../processors/tokenize/vault/open_vault.ts";
import { PersonIndex } from "../../processors/tokenize/vault/person_index.ts";
import type { Vault } from "../../processors/tokenize/vault/vault.ts";
import { AgentError } from "../component/errors.ts";
import { systemClock, systemRandom } from "../lib/system_clock.ts";
import { stateRoot } from "../state_folders.ts";

export interface ConfiguredVault {
  /** Of the tokenizers that write to it. */
  readonly domains: readonly string[];
  readonly id: string;
  readonly index: PersonIndex;
  readonly vault: Vault;
}

/** The caller closes them. Throws `vault.lost` when one is not there, and what opening throws. */
export async function openVaults(config: CheckedConfig): Promise<ConfiguredVault[]> {
  const opened = new Map<string, ConfiguredVault>();
  try {
    for (const { id: processor, config: own } of config.processors.values()) {
      if (processor.type !== "tokenize") continue;
      const { vault: wanted, domain } = own as Config;
      if (wanted === undefined) continue;
      const directory = join(stateRoot(config, processor), processor.type);
      const vault = await vaultOf(wanted, directory, systemClock);
      const state = await vault.open({ made: undefined });
      const known = state === undefined ? undefined : opened.get(state.id);
      if (state === undefined || known !== undefined) await vault.close();
      if (state === undefined) {
        const name = `the vault of ${processor.type} (domain ${domain})`;
        throw new AgentError("vault.lost", `${name} is not there; has the agent run yet?`);
      }
      if (known !== undefined) {
        const domains = [...new Set([...known.domains, domain])];
        opened.set(state.id, { ...known, domains });
        continue;
      }
      const index = await PersonIndex.open(indexKeyFileOf(wanted, directory), systemRandom);
      opened.set(state.id, { domains: [domain], id: state.id, index, vault });
      if (index.keyName !== state.indexKeyName) throw otherIndexKey();
    }
  } catch (error) {
    await closeVaults([...opened.values()]);
    throw error;
  }
  return [...opened.values()];
}

export async function closeVaults(vaults: readonly ConfiguredVault[]): Promise<void> {
  for (const { vault } of vaults) await vault.close();
}
