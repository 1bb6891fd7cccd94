/**
 * The file of a chain key: K_0, from which every key of a chain follows.
 *
 *     VOUCHSAFE-CHAIN-KEY-1 <32 bytes in base64>
 *     chain <32 hexadecimal digits>
 *
 * The second line names the chain. It stands in the file that is sealed to the auditor at the
 * genesis, and is absent from a key made beforehand, which no chain uses yet.
 *
 * Trust: whoever reads such a file can forge every record of the chain. It must not stay on the
 * host that writes the chain.
 */
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError } from "../../src/component/errors.ts";
import type { RandomSource } from "../../src/component/settings.ts";
import { syncDirectory } from "../../src/lib/durable_file.ts";
import { Secret } from "../../src/lib/secret.ts";

export const CHAIN_KEY_BYTES = 32;
/** A chain id is 16 random bytes, written as 32 hexadecimal digits. */
export const CHAIN_ID_BYTES = 16;

const MAGIC = "VOUCHSAFE-CHAIN-KEY-1";
const FORMAT = new RegExp(`^${MAGIC} ([A-Za-z0-9+/]{43}=)(?:\\r?\\nchain ([0-9a-f]{32}))?\\s*$`);

export interface ChainKey {
  readonly key: Secret<Uint8Array>;
  /** Undefined for a key that was made beforehand. */
  readonly chain: string | undefined;
}

/** Writes a new key to a new file (0600). Throws `hmac_chain.key_file` when it exists already. */
export async function generateChainKey(path: string, random: RandomSource): Promise<void> {
  const key = new Uint8Array(CHAIN_KEY_BYTES);
  random(key);
  try {
    const handle = await open(path, "wx", 0o600);
    try {
      await handle.writeFile(formatChainKey(key));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncDirectory(dirname(path));
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === "EEXIST";
    const reason = exists ? "it exists already; keys are never overwritten" : "cannot write it";
    throw new AgentError("hmac_chain.key_file", `${path}: ${reason}`, { cause });
  } finally {
    key.fill(0);
  }
}

export function formatChainKey(key: Uint8Array, chain?: string): string {
  const line = `${MAGIC} ${Buffer.from(key).toString("base64")}\n`;
  return chain === undefined ? line : `${line}chain ${chain}\n`;
}

/** `name` is what an error calls the text: a path. Throws `hmac_chain.key_file`. */
export function parseChainKey(text: string, name: string): ChainKey {
  const match = FORMAT.exec(text);
  const key = Buffer.from(match?.[1] ?? "", "base64");
  if (match === null || key.length !== CHAIN_KEY_BYTES) {
    throw new AgentError(
      "hmac_chain.key_file",
      `${name} is not a chain key; 'vouchsafe keys generate chain' makes one`,
    );
  }
  return { key: new Secret(new Uint8Array(key)), chain: match[2] };
}
