/** `vouchsafe keys`: makes the keys of the agent, and shows the public part of one. */
import { readFile } from "node:fs/promises";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import {
  isKeyName,
  parseSigningKey,
  parseVerifier,
} from "../../exporters/sealed_archive/format/note.ts";
import {
  createPrivateFile,
  generateLogKey,
} from "../../exporters/sealed_archive/writer/log_key.ts";
import { generateChainKey } from "../../processors/hmac_chain/chain_key.ts";
import {
  createdMs,
  destroyTokenKey,
  generateTokenKey,
  listTokenKeys,
} from "../../processors/tokenize/token_keys.ts";
import { AgentError } from "../component/errors.ts";
import { systemClock, systemRandom } from "../lib/system_clock.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_OK, UsageError } from "./command.ts";

type Generate = (line: CommandLine, io: CommandIo) => Promise<void>;

const generators: Readonly<Record<string, Generate>> = {
  identity: generateIdentity,
  log: generateLog,
  chain: generateChain,
  token: generateToken,
};

type TokenKeyAction = (directory: string, io: CommandIo, kid: string) => Promise<void>;

const tokenKeyActions: Readonly<Record<string, TokenKeyAction>> = {
  list: printTokenKeys,
  rotate: rotateTokenKey,
  destroy: endTokenKey,
};

export const keysCommand: Command = {
  summary: "Make keys: an auditor's identity, a token key, a chain key, a log key.",
  usage: "generate identity|chain|log|token ... | show FILE | list | rotate | destroy KEY-ID",
  options: {
    output: { type: "string", short: "o" },
    directory: { type: "string", short: "d" },
    origin: { type: "string" },
  },
  help: `Files are private (0600) and never overwritten.

  generate identity -o FILE               an age identity, as 'age-keygen' writes it; prints the
                                          recipient for sealed_archive and hmac_chain. Keep the
                                          file away from the hosts whose logs it opens
  generate token -d DIRECTORY             a key of the tokenize processor
  generate chain -o FILE                  K_0 of an hmac_chain
  generate log -o FILE --origin NAME      a signing key of a sealed_archive; prints its vkey
                                          (an archive makes its own when none is configured)
  rotate -d DIRECTORY                     a new token key, like 'generate token': it makes tokens
                                          from now on; a running agent sees it within 10 seconds
  list -d DIRECTORY                       the token keys: id, day, active, retired or destroyed
  destroy KEY-ID -d DIRECTORY             ends a retired token key: overwritten and removed
  show FILE                               the public part of an identity, log key or vkey

Example:
  vouchsafe keys generate identity -o auditor-identity.txt`,
  run,
};

async function run(line: CommandLine, io: CommandIo): Promise<number> {
  const [action, what, ...rest] = line.positionals;
  if (action === "show" && what !== undefined && rest.length === 0) {
    io.stdout.write(`${await publicPart(what)}\n`);
    return EXIT_OK;
  }
  const act = Object.hasOwn(tokenKeyActions, action ?? "") ? tokenKeyActions[action!] : undefined;
  if (act !== undefined && rest.length === 0 && (action === "destroy") === (what !== undefined)) {
    await act(required(line, "directory", "-d DIRECTORY"), io, what ?? "");
    return EXIT_OK;
  }
  const generate = Object.hasOwn(generators, what ?? "") ? generators[what ?? ""] : undefined;
  if (action !== "generate" || generate === undefined || rest.length > 0) {
    const kinds = Object.keys(generators).join("|");
    throw new UsageError(`expected generate ${kinds}, show FILE, list, rotate or destroy KEY-ID`);
  }
  await generate(line, io);
  return EXIT_OK;
}

async function generateIdentity(line: CommandLine, io: CommandIo): Promise<void> {
  const path = required(line, "output", "-o FILE");
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const created = new Date().toISOString();
  const content = `# created: ${created}\n# public key: ${recipient}\n${identity}\n`;
  await createPrivateFile(path, content);
  io.stdout.write(`${recipient}\n`);
}

async function generateLog(line: CommandLine, io: CommandIo): Promise<void> {
  const path = required(line, "output", "-o FILE");
  const origin = required(line, "origin", "--origin NAME");
  if (!isKeyName(origin)) throw new UsageError("--origin has no spaces and no '+'");
  io.stdout.write(`${await generateLogKey(path, origin, systemRandom)}\n`);
}

async function generateChain(line: CommandLine): Promise<void> {
  await generateChainKey(required(line, "output", "-o FILE"), systemRandom);
}

async function generateToken(line: CommandLine, io: CommandIo): Promise<void> {
  await rotateTokenKey(required(line, "directory", "-d DIRECTORY"), io);
}

async function rotateTokenKey(directory: string, io: CommandIo): Promise<void> {
  const options = { random: systemRandom, nowMs: systemClock.nowMs() };
  const { kid, path } = await generateTokenKey(directory, options);
  io.stdout.write(`${kid} in ${path}\n`);
}

async function printTokenKeys(directory: string, io: CommandIo): Promise<void> {
  for (const { kid, state } of await listTokenKeys(directory)) {
    const ms = createdMs(kid);
    const day = ms === undefined ? "unknown day" : new Date(ms).toISOString().slice(0, 10);
    io.stdout.write(`${kid.padEnd(24)}  ${day.padEnd(11)}  ${state}\n`);
  }
}

async function endTokenKey(directory: string, io: CommandIo, kid: string): Promise<void> {
  await destroyTokenKey(directory, kid, systemRandom);
  io.stdout.write(`${kid} is destroyed; its tokens can be computed by nobody with this folder\n`);
}

function required({ values }: CommandLine, name: string, written: string): string {
  const value = values[name];
  if (typeof value !== "string" || value === "") throw new UsageError(`expected ${written}`);
  return value;
}

async function publicPart(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AgentError("archive.key_invalid", `cannot read ${path}`, { cause });
  });
  const identity = /^AGE-SECRET-KEY-\S+$/m.exec(text)?.[0];
  if (identity !== undefined) {
    return identityToRecipient(identity).catch(() => {
      throw new AgentError("archive.identity_invalid", `${path} holds no age identity`);
    });
  }
  return text.startsWith("PRIVATE+KEY+")
    ? parseSigningKey(text).verifier.vkey
    : parseVerifier(text).vkey;
}
