/**
 * `vouchsafe reveal`: the value behind a token, for those whose role may see it.
 *
 * Invariant: before anything is shown, who looked, why and at which token is on disk in every
 * archive of the configuration.
 */
import { createHash } from "node:crypto";
import type { Decrypter } from "age-encryption";
import { recordEntry } from "../../exporters/sealed_archive/record_entry.ts";
import { decryptFieldValue, fieldKeyId } from "../../processors/tokenize/vault/field_key.ts";
import { openSealed } from "../../processors/tokenize/vault/sealing.ts";
import { parseFieldValue, parseSealedValue } from "../data/token.ts";
import { readIdentities } from "../lib/age/identity_file.ts";
import { systemClock } from "../lib/system_clock.ts";
import { accessOf, accessOptions, archivesOf, loadCommandConfig } from "./archive_of_config.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_OK, UsageError } from "./command.ts";
import type { ConfiguredVault } from "./vaults_of_config.ts";
import { closeVaults, openVaults } from "./vaults_of_config.ts";

/** A longer text is recorded by its hash. */
const RECORDED_LENGTH_MAX = 256;

export const revealCommand: Command = {
  summary: "Show the value behind a token, on the record.",
  usage: "TOKEN -i IDENTITY --reason TEXT -c FILE [--who NAME] [--role NAME]",
  options: { identity: { type: "string", short: "i" }, ...accessOptions },
  help: `Takes a token of a vault (<email:k20261121a:...>, <email:random:...>),
a value under a field key (<email:field:...>) or a sealed one (<email:age:...>).

  -i, --identity FILE   the age identity of a role that may see the entity
      --reason TEXT     why; it stays in the archive for ever, so name no customer
  -c, --config FILE     the agent's configuration: where the vault and the archive are
      --who NAME        who looks; without it, the name of the user who runs the command
      --role NAME       as whom

Who looked, why and at which token is written into the archive before anything is shown; when that
fails, nothing is shown.

Exit code 0: shown. 1: there is no such token, it was erased, or the identity does not open it.

Example:
  vouchsafe reveal '<email:random:...>' -i support.txt --reason 'ticket 17' -c vouchsafe.yaml`,
  run,
};

async function run({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  const [token, ...rest] = positionals;
  if (token === undefined || token === "" || rest.length > 0)
    throw new UsageError("expected TOKEN");
  if (typeof values.identity !== "string") throw new UsageError("expected -i IDENTITY");
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("expected -c FILE");
  const access = accessOf(values);
  const identities = await readIdentities(values.identity);
  const config = await loadCommandConfig(paths, io);
  if (config === undefined) return EXIT_CONFIG;
  const archives = archivesOf(config);
  if (archives.length === 0) {
    io.stderr.write("nothing is revealed: the configuration has no sealed_archive to record it\n");
    return EXIT_FAILED;
  }
  const isSealed = parseSealedValue(token) !== undefined;
  const vaults = isSealed ? [] : await openVaults(config);
  let found: Found;
  try {
    found = isSealed ? await openText(token, identities) : await search(vaults, token, identities);
  } finally {
    await closeVaults(vaults);
  }
  if (found.opened.length === 0) {
    io.stderr.write(
      found.isThere
        ? "the identity does not open this token: its role may not see it\n"
        : "no vault of the configuration has this token: erased, expired or another's\n",
    );
    return EXIT_FAILED;
  }
  const what = { token: recorded(token) };
  const count = found.opened.length;
  for (const archive of archives) {
    const entry = { type: "access", action: "reveal", ...access, what, count } as const;
    await recordEntry({ ...archive, entry });
  }
  for (const value of found.opened) io.stdout.write(`${value}\n`);
  return EXIT_OK;
}

interface Found {
  readonly isThere: boolean;
  readonly opened: readonly string[];
}

async function openText(token: string, identities: Decrypter): Promise<Found> {
  const { ageFile } = parseSealedValue(token)!;
  const value = await identities.decrypt(ageFile, "text").catch(() => undefined);
  return { isThere: true, opened: value === undefined ? [] : [value] };
}

/** A token can stand for one value in each domain. */
async function search(
  vaults: readonly ConfiguredVault[],
  token: string,
  identities: Decrypter,
): Promise<Found> {
  const field = parseFieldValue(token);
  const name = field === undefined ? token : fieldKeyId(field.ciphertext);
  const opened = new Set<string>();
  let isThere = false;
  for (const { vault } of vaults) {
    for (const row of await vault.find(name ?? "", systemClock.nowMs())) {
      isThere = true;
      const open = (file: Uint8Array) => identities.decrypt(file);
      const content = await openSealed(row, row.sealed, open).catch(() => undefined);
      if (content === undefined) continue;
      const value =
        field === undefined
          ? content.toString("utf8")
          : decryptFieldValue(field.entity, field.ciphertext, content);
      if (value !== undefined) opened.add(value);
    }
  }
  return { isThere, opened: [...opened] };
}

function recorded(token: string): string {
  if (token.length <= RECORDED_LENGTH_MAX && /^\P{C}*$/u.test(token)) return token;
  return `sha256:${createHash("sha256").update(token, "utf8").digest("hex")}`;
}
