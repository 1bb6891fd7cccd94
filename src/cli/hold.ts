/** `vouchsafe hold`: keeps records from being deleted while a case is open. */
import type { EntryRequest, HoldEntry } from "../../exporters/sealed_archive/format/entry.ts";
import { ZONE_NAME } from "../../exporters/sealed_archive/format/entry.ts";
import { readLogState } from "../../exporters/sealed_archive/reader/read_state.ts";
import { recordEntry } from "../../exporters/sealed_archive/record_entry.ts";
import type { ConfiguredArchive } from "./archive_of_config.ts";
import { accessOf, accessOptions, archivesOf, loadCommandConfig } from "./archive_of_config.ts";
import { rangeWords } from "./archive_statements.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_OK, UsageError } from "./command.ts";
import { readTime } from "./read_time.ts";

const { role: _, ...options } = accessOptions;

export const holdCommand: Command = {
  summary: "Keep sealed records from being deleted while a case is open.",
  usage:
    "add CASE -c FILE --reason TEXT [--zone NAME] [--since TIME] [--until TIME] | release | list",
  options: {
    ...options,
    zone: { type: "string" },
    since: { type: "string" },
    until: { type: "string" },
    exporter: { type: "string" },
  },
  help: `add CASE        from now on no segment is deleted that has such records
release CASE    the hold ends; what is due by then is deleted
list            the holds that there are

  -c, --config FILE     the agent's configuration; every sealed_archive of it is meant
      --exporter NAME   only this one, such as sealed_archive/audit
      --reason TEXT     why; kept in the archive for ever, so name no customer
      --who NAME        who; without it the name of the user that runs the command
      --zone NAME       only this zone
      --since TIME      only records from this time on: RFC 3339, or a duration before now
      --until TIME      only records before this time

A hold is an entry of the log, on disk before the command ends, whether the agent runs or not. It
keeps whole segments: those with at least one such record.

Example:
  vouchsafe hold add case-17 --zone payment --since 2026-03-01 -c agent.yaml --reason 'lawsuit'`,
  run,
};

async function run({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  const [action, name, ...rest] = positionals;
  const isList = action === "list" && name === undefined;
  const isChange = (action === "add" || action === "release") && name !== undefined;
  if (rest.length > 0 || !(isList || isChange)) {
    throw new UsageError("expected add CASE, release CASE or list");
  }
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("expected -c FILE");
  const entry = isChange ? requestOf(action, name, values) : undefined;
  const config = await loadCommandConfig(paths, io);
  if (config === undefined) return EXIT_CONFIG;
  for (const archive of chosen(archivesOf(config), values.exporter)) {
    if (entry === undefined) await list(archive, io);
    else {
      const { index } = await recordEntry({ ...archive, entry });
      io.stdout.write(`${archive.config.directory}: entry ${index}\n`);
    }
  }
  return EXIT_OK;
}

function requestOf(
  action: HoldEntry["action"],
  name: string,
  values: CommandLine["values"],
): EntryRequest {
  const { who, reason } = accessOf(values);
  const common = { type: "hold", action, case: name, who, reason } as const;
  const { zone } = values;
  const since = wholeMs(readTime("--since", values.since));
  const until = wholeMs(readTime("--until", values.until));
  if (action === "release") {
    if (zone === undefined && since === undefined && until === undefined) return common;
    throw new UsageError("a hold is released as a whole, by its case");
  }
  if (typeof zone === "string" && !ZONE_NAME.test(zone)) {
    throw new UsageError(`--zone: '${zone}' is no name of a zone`);
  }
  return { ...common, zone: typeof zone === "string" ? zone : undefined, since, until };
}

function wholeMs(timeMs: number | undefined): number | undefined {
  return timeMs === undefined ? undefined : Math.max(0, Math.floor(timeMs));
}

function chosen(
  archives: readonly ConfiguredArchive[],
  exporter: unknown,
): readonly ConfiguredArchive[] {
  const isMeant = ({ name }: ConfiguredArchive): boolean =>
    exporter === undefined ||
    exporter === (name === "" ? "sealed_archive" : `sealed_archive/${name}`);
  const found = archives.filter(isMeant);
  if (found.length > 0) return found;
  throw new UsageError("the configuration has no such sealed_archive");
}

async function list({ config }: ConfiguredArchive, io: CommandIo): Promise<void> {
  const { holds } = await readLogState(config.directory);
  if (holds.size === 0) io.stdout.write(`${config.directory}: no holds\n`);
  for (const hold of holds.values()) {
    io.stdout.write(`${config.directory}: ${hold.case}: ${rangeWords(hold)}\n`);
  }
}
