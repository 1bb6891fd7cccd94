/** `vouchsafe redact`: an authority's order to erase single records, and its execution. */
import { readFile } from "node:fs/promises";
import { signNote } from "../../exporters/sealed_archive/format/note.ts";
import { parseNumberRanges } from "../../exporters/sealed_archive/format/number_ranges.ts";
import {
  formatOrder,
  ORDER_LENGTH_MAX,
  parseOrder,
} from "../../exporters/sealed_archive/format/redaction_order.ts";
import { redact } from "../../exporters/sealed_archive/redact.ts";
import { readPrivateSigner } from "../../exporters/sealed_archive/writer/log_key.ts";
import { readIdentities } from "../lib/age/identity_file.ts";
import { systemRandom } from "../lib/system_clock.ts";
import { archivesOf, loadCommandConfig } from "./archive_of_config.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_OK, UsageError } from "./command.ts";

export const redactCommand: Command = {
  summary: "Erase single sealed records by an authority's order; the rest still verifies.",
  usage:
    "order --origin NAME --zone NAME --records LIST --reason TEXT --key FILE | apply ORDER ...",
  options: {
    origin: { type: "string" },
    zone: { type: "string" },
    records: { type: "string" },
    reason: { type: "string" },
    key: { type: "string" },
    config: { type: "string", short: "c", multiple: true },
    identity: { type: "string", short: "i" },
  },
  help: `order    prints a signed order; needs nothing but the authority's key
      --origin NAME     the archive's origin
      --zone NAME       the zone of the records
      --records LIST    numbers of the zone's records, such as 5,17-19 ('read' shows them)
      --reason TEXT     why; kept in the log for ever, so name no customer
      --key FILE        the authority's key, made by 'vouchsafe keys generate log'

apply ORDER    erases what the order in this file names
  -c, --config FILE     the agent's configuration; its 'redaction_authorities' has the public key
  -i, --identity FILE   the age identity of the zone

The records must lie in closed segments, and no hold may be on them. The agent may run.

Example:
  vouchsafe redact order --origin example.com/host1 --zone default --records 17 \\
      --reason 'court order 12' --key authority.key > order.note
  vouchsafe redact apply order.note -c agent.yaml -i identity.txt`,
  run,
};

async function run(line: CommandLine, io: CommandIo): Promise<number> {
  const [action, path, ...rest] = line.positionals;
  if (action === "order" && path === undefined) return order(line, io);
  if (action === "apply" && path !== undefined && rest.length === 0) return apply(path, line, io);
  throw new UsageError("expected order, or apply ORDER");
}

async function order({ values }: CommandLine, io: CommandIo): Promise<number> {
  const text = (name: string): string => {
    const value = values[name];
    if (typeof value !== "string" || value === "") throw new UsageError(`expected --${name}`);
    return value;
  };
  const records = parseNumberRanges(text("records"));
  if (records === undefined) throw new UsageError("--records is a rising list such as 5,17-19");
  const signer = await readPrivateSigner(text("key"));
  const fields = { origin: text("origin"), zone: text("zone"), records, reason: text("reason") };
  const content = formatOrder(fields);
  const note = signNote(content, signer);
  if (parseOrder(content) === undefined || note.length > ORDER_LENGTH_MAX) {
    throw new UsageError("the order is too long, or not of one line each");
  }
  io.stdout.write(note);
  return EXIT_OK;
}

async function apply(path: string, { values }: CommandLine, io: CommandIo): Promise<number> {
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("expected -c FILE");
  if (typeof values.identity !== "string") throw new UsageError("expected -i IDENTITY");
  const identities = await readIdentities(values.identity);
  const note = await readFile(path, "utf8");
  const config = await loadCommandConfig(paths, io);
  if (config === undefined) return EXIT_CONFIG;
  const origin = /^origin (.*)$/m.exec(note)?.[1];
  const archive = archivesOf(config).find(({ config: own }) => own.origin === origin);
  if (archive === undefined) {
    throw new UsageError(`the configuration has no sealed_archive with the origin of ${path}`);
  }
  const done = await redact({ ...archive, order: note, identities, random: systemRandom });
  for (const { entry, records } of done) {
    io.stdout.write(`erased ${records} record${records === 1 ? "" : "s"}: entry ${entry}\n`);
  }
  if (done.length === 0) io.stdout.write("nothing to erase: the records are gone already\n");
  return EXIT_OK;
}
