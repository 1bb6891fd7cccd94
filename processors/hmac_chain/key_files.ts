/**
 * Reading the files from which an auditor gets K_0: an age identity as `age-keygen` writes it
 * (comments and secret keys), a sealed genesis, or a chain key in clear.
 */
import { readFile } from "node:fs/promises";
import { Decrypter } from "age-encryption";
import { AgentError } from "../../src/component/errors.ts";
import type { ChainKey } from "./chain_key.ts";
import { parseChainKey } from "./chain_key.ts";

/** Throws `hmac_chain.key_file` when the file cannot be read or has none. */
export async function readIdentities(path: string): Promise<string[]> {
  const text = await readKeyFile(path);
  const identities = text
    .toString("utf8")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.startsWith("AGE-SECRET-KEY-"));
  if (identities.length > 0) return identities;
  throw new AgentError("hmac_chain.key_file", `${path} has no age identity (AGE-SECRET-KEY-...)`);
}

export async function readIdentity(path: string): Promise<string> {
  return (await readIdentities(path))[0]!;
}

/** Opens a sealed genesis file. Throws `hmac_chain.key_file`. */
export async function openGenesis(path: string, identities: readonly string[]): Promise<ChainKey> {
  const sealed = await readKeyFile(path);
  const decrypter = new Decrypter();
  let text: string;
  try {
    for (const identity of identities) decrypter.addIdentity(identity);
    text = await decrypter.decrypt(sealed, "text");
  } catch (cause) {
    throw new AgentError(
      "hmac_chain.key_file",
      `${path} does not open with this identity: was it sealed to another auditor?`,
      { cause },
    );
  }
  return parseChainKey(text, path);
}

/** Throws `hmac_chain.key_file`. */
export async function readChainKey(path: string): Promise<ChainKey> {
  return parseChainKey((await readKeyFile(path)).toString("utf8"), path);
}

async function readKeyFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new AgentError("hmac_chain.key_file", `cannot read ${path}: ${code}`, { cause });
  }
}
