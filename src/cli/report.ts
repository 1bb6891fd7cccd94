/**
 * `vouchsafe report`: what an archive shows for a period, as a page to print and as JSON.
 *
 * Invariant: it holds counts, times, names of commands' users and public keys, never the content of
 * a record. The folder is the user's; its files are 0600.
 */
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, describeError } from "../component/errors.ts";
import { writeFileDurably } from "../lib/durable_file.ts";
import { systemClock } from "../lib/system_clock.ts";
import { loadCommandConfig } from "./archive_of_config.ts";
import type { ArchivePlace } from "./archive_place.ts";
import { openPlace, PLACE_HELP, placeOptions } from "./archive_place.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_OK, UsageError } from "./command.ts";
import { readTime } from "./read_time.ts";
import { collect } from "./report/collect.ts";
import { describeConfig } from "./report/configured.ts";
import { reportData } from "./report/data.ts";
import { reportPage } from "./report/page.ts";
import { EXIT_UNCHECKED, readVerifyOptions } from "./verify.ts";

export const reportCommand: Command = {
  summary: "Verify a sealed archive and write the evidence of a period, as HTML and JSON.",
  usage: "ARCHIVE -o DIR [--since TIME] [--until TIME] [-i IDENTITY] [-c FILE] [--vkey KEY]",
  options: {
    output: { type: "string", short: "o" },
    since: { type: "string" },
    until: { type: "string" },
    vkey: { type: "string" },
    "epoch-vkey": { type: "string" },
    identity: { type: "string", short: "i" },
    checkpoint: { type: "string" },
    ...placeOptions,
    config: { type: "string", short: "c", multiple: true },
  },
  help: `ARCHIVE is a folder, or s3://BUCKET/PREFIX for a copy.
Checks the whole archive, as 'verify' does, and writes report.html, which prints well, and
report.json. Both say what was sealed, who read and erased what, how the agent ran and with which
configurations, and set that beside clauses of GDPR, CCPA, HIPAA, PCI DSS, SOC 2, SOX and ISO 27001,
each with what the archive cannot say about it.

  -o, --output DIR       folder for the two files; it is made when it is missing
      --since TIME       entries from this time on: RFC 3339 (2026-11-21T09:00:00Z), or a duration
                         before now (720h); without it, from the beginning
      --until TIME       entries before this time; without it, until now
      --vkey KEY         the log's public key, as text or the name of a file, kept away from the
                         archive
      --epoch-vkey KEY   the public key of the first epoch, kept away likewise
  -i, --identity FILE    age identities: also counts the treated values that stand in the records
      --checkpoint FILE  a checkpoint kept from earlier
${PLACE_HELP}
  -c, --config FILE      the agent's configuration: also shows what it protects, and on its host the
                         privacy budgets that were spent

No content of a record is written. Nothing is recorded in the archive.

Exit code: 0 whole, 1 tampered (the report says where), 2 could not be checked, 78 the configuration
is wrong; with these two there is no report.

Example:
  vouchsafe report ./archive --vkey log.vkey -i auditor-identity.txt --since 720h -o evidence`,
  run,
};

async function run(line: CommandLine, io: CommandIo): Promise<number> {
  const [archive, ...rest] = line.positionals;
  const { output, since, until, vkey, config: paths = [] } = line.values;
  if (archive === undefined || rest.length > 0) throw new UsageError("expected one ARCHIVE");
  if (typeof output !== "string") throw new UsageError("expected -o DIR");
  const madeAtMs = systemClock.nowMs();
  const period = {
    sinceMs: readTime("--since", since) ?? 0,
    untilMs: readTime("--until", until) ?? madeAtMs,
  };
  if (period.sinceMs >= period.untilMs) throw new UsageError("--since must be before --until");
  const files = paths as string[];
  const config = files.length === 0 ? undefined : await loadCommandConfig(files, io);
  if (files.length > 0 && config === undefined) return EXIT_CONFIG;
  let place: ArchivePlace | undefined;
  try {
    place = await openPlace(archive, line, io.signal);
    const options = await readVerifyOptions(place.directory, line);
    const absentSegments = place.copy?.openSegments;
    const { copy } = place;
    const collected = await collect({ ...options, absentSegments }, copy?.findings ?? [], period);
    const configured = config === undefined ? undefined : await describeConfig(config, period);
    const keyFrom = vkey === undefined ? "archive" : "argument";
    const data = reportData({ archive, copy, keyFrom, period, madeAtMs, collected, configured });
    const json = `${JSON.stringify(data, undefined, 2)}\n`;
    await mkdir(output, { recursive: true });
    await writeFileDurably(join(output, "report.json"), json);
    const page = reportPage(data, createHash("sha256").update(json).digest("hex"));
    await writeFileDurably(join(output, "report.html"), page);
    const isWhole = data.integrity.status === "whole";
    const verdict = isWhole ? "whole" : "NOT whole, see the report";
    const places = `${join(output, "report.html")} and report.json`;
    io.stdout.write(`${data.integrity.origin}: ${verdict}; written: ${places}\n`);
    return isWhole ? EXIT_OK : EXIT_FAILED;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (!(error instanceof AgentError) && code === undefined) throw error;
    io.stderr.write(`no report: ${describeError(error)}\n`);
    return EXIT_UNCHECKED;
  } finally {
    await place?.close();
  }
}
