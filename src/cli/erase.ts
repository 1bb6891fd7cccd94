/**
 * `vouchsafe erase`: what a vault knows of a person is gone, and a certificate says so.
 *
 * Invariant: neither the certificate nor the archive's entry holds the person's name or a value,
 * and the certificate is on disk before the entry that names its hash.
 */
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { CheckedConfig } from "../../config/load.ts";
import { signNote } from "../../exporters/sealed_archive/format/note.ts";
import { recordEntry } from "../../exporters/sealed_archive/record_entry.ts";
import { createPrivateFile, readLogKey } from "../../exporters/sealed_archive/writer/log_key.ts";
import type { RowCounts } from "../../processors/tokenize/vault/vault.ts";
import { systemClock, systemRandom } from "../lib/system_clock.ts";
import type { ConfiguredArchive } from "./archive_of_config.ts";
import { accessOf, accessOptions, archivesOf, loadCommandConfig } from "./archive_of_config.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_OK, UsageError } from "./command.ts";
import type { ConfiguredVault } from "./vaults_of_config.ts";
import { closeVaults, openVaults } from "./vaults_of_config.ts";

export const eraseCommand: Command = {
  summary: "Erase a person from the vault of tokens, with a certificate.",
  usage: "--subject VALUE --reason TEXT -c FILE -o CERTIFICATE [--entity NAME] [--dry-run]",
  options: {
    subject: { type: "string" },
    entity: { type: "string" },
    output: { type: "string", short: "o" },
    "dry-run": { type: "boolean" },
    ...accessOptions,
  },
  help: `Removes the rows and field keys of a person from every vault of the configuration. Tokens
stay where they are and can be revealed by nobody any more; values under a field key are closed in
every copy, sealed archives and backups included.

      --subject VALUE   the person, as the subject attribute of the vault names it
      --entity NAME     VALUE is a value of this entity instead, such as an e-mail address
      --reason TEXT     why; it is in the certificate, so name no customer
  -c, --config FILE     the agent's configuration; the agent may be running
  -o, --output FILE     the certificate, a new file: JSON signed with the archive's log key
      --who NAME        who erases; without it, the name of the user who runs the command
      --dry-run         says how much would be erased, and erases nothing

The archive gets an entry with the certificate's hash. A running agent notices within 10 seconds.

Exit code 0: done, also when there was nothing. 1: not done, or not recorded; run it again.

Example:
  vouchsafe erase --subject u-17 --reason 'request 2026-44' -c vouchsafe.yaml -o erasure-44.note`,
  run,
};

async function run({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  const { subject, entity, output } = values;
  const isDry = values["dry-run"] === true;
  if (positionals.length > 0) throw new UsageError("expected no words beside the options");
  if (typeof subject !== "string" || subject === "")
    throw new UsageError("expected --subject VALUE");
  if (!isDry && typeof output !== "string") throw new UsageError("expected -o CERTIFICATE");
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("expected -c FILE");
  const { who, reason } = accessOf(values);
  const config = await loadCommandConfig(paths, io);
  if (config === undefined) return EXIT_CONFIG;
  const vaults = await openVaults(config);
  try {
    if (vaults.length === 0) {
      io.stderr.write("no tokenize of the configuration has a vault: there is nothing to erase\n");
      return EXIT_FAILED;
    }
    const person = { subject, entity: typeof entity === "string" ? entity : undefined };
    const counts = await eachVault(vaults, person, isDry ? "count" : "erase");
    const words = `${counts.value} values and ${counts.key} field keys`;
    if (isDry) {
      io.stdout.write(`would erase ${words} in ${vaults.length} vault(s); nothing was erased\n`);
      return EXIT_OK;
    }
    const statement = { who, reason, counts, vaults, by: person.entity ?? "subject" };
    await certify(config, statement, resolve(String(output)));
    io.stdout.write(`erased ${words}; the certificate is ${String(output)}\n`);
    return EXIT_OK;
  } finally {
    await closeVaults(vaults);
  }
}

async function eachVault(
  vaults: readonly ConfiguredVault[],
  { subject, entity }: { readonly subject: string; readonly entity: string | undefined },
  method: "count" | "erase",
): Promise<RowCounts> {
  const total = { value: 0, key: 0 };
  for (const { vault, index, domains } of vaults) {
    const owners = domains.map((domain) =>
      entity === undefined ? index.subject(domain, subject) : index.value(domain, entity, subject),
    );
    const counts = await vault[method](owners);
    total.value += counts.value;
    total.key += counts.key;
  }
  return total;
}

interface Statement {
  readonly who: string;
  readonly reason: string;
  readonly counts: RowCounts;
  readonly vaults: readonly ConfiguredVault[];
  /** `subject`, or the entity by whose value rows were found. */
  readonly by: string;
}

async function certify(config: CheckedConfig, statement: Statement, path: string): Promise<void> {
  const { who, reason, counts, vaults, by } = statement;
  const archives = archivesOf(config);
  const text = `${JSON.stringify({
    type: "vouchsafe-erasure/1",
    at: new Date(systemClock.nowMs()).toISOString(),
    who,
    reason,
    found_by: by,
    erased: { values: counts.value, field_keys: counts.key },
    vaults: vaults.map(({ id }) => id),
  })}\n`;
  const certificate = await signed(text, archives);
  await createPrivateFile(path, certificate);
  const sha256 = createHash("sha256").update(certificate, "utf8").digest("hex");
  const erased = { values: counts.value, field_keys: counts.key };
  for (const archive of archives) {
    const entry = { type: "erase", certificate: sha256, counts: erased } as const;
    await recordEntry({ ...archive, entry });
  }
}

/** As a signed note of the first archive that has a key; without an archive as it is. */
async function signed(text: string, archives: readonly ConfiguredArchive[]): Promise<string> {
  for (const { config, stateDirectory } of archives) {
    const { origin, signing_key_file: keyFile } = config;
    const signer = await readLogKey({ stateDirectory, keyFile, origin, random: systemRandom });
    if (signer !== undefined) return signNote(text, signer);
  }
  return text;
}
