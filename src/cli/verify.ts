/**
 * `vouchsafe verify`: is this archive whole? Needs no key but the log's public one, and no agent.
 */
import { readFile } from "node:fs/promises";
import type { NoteVerifier } from "../../exporters/sealed_archive/format/note.ts";
import { parseVerifier } from "../../exporters/sealed_archive/format/note.ts";
import { formatFinding } from "../../exporters/sealed_archive/reader/finding.ts";
import { judgeCheckpoint, LogFiles } from "../../exporters/sealed_archive/reader/log_files.ts";
import type {
  VerifyOptions,
  VerifyResult,
} from "../../exporters/sealed_archive/reader/verify_archive.ts";
import { verifyArchive } from "../../exporters/sealed_archive/reader/verify_archive.ts";
import { AgentError, describeError } from "../component/errors.ts";
import { readIdentities } from "../lib/age/identity_file.ts";
import { systemClock } from "../lib/system_clock.ts";
import type { ArchivePlace } from "./archive_place.ts";
import { copyLines, openPlace, PLACE_HELP, placeOptions, withFindings } from "./archive_place.ts";
import { statementLines } from "./archive_statements.ts";
import { ChainContinuity } from "./chain_continuity.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_FAILED, EXIT_OK, UsageError } from "./command.ts";
import { readVerifier } from "./read_verifier.ts";

export const EXIT_UNCHECKED = 2;
const FINDINGS_SHOWN = 20;
const SILENCES_SHOWN = 5;

export const verifyCommand: Command = {
  summary: "Check a sealed archive: every entry, every tile, every byte of every block.",
  usage: "ARCHIVE [--vkey KEY] [--epoch-vkey KEY] [-i IDENTITY] [--checkpoint FILE] [--json]",
  options: {
    vkey: { type: "string" },
    "epoch-vkey": { type: "string" },
    identity: { type: "string", short: "i" },
    checkpoint: { type: "string" },
    ...placeOptions,
    previous: { type: "string" },
    json: { type: "boolean" },
  },
  help: `ARCHIVE is the folder that holds 'log' and 'blocks', or s3://BUCKET/PREFIX for a copy of
it. A running agent may write to it.

      --vkey KEY         the log's public key, as text or the name of a file, kept away from the
                         archive; without it the key beside the archive is trusted, which whoever
                         replaces all can replace
      --epoch-vkey KEY   the public key of the first epoch, kept away likewise: then not even who
                         stole the log's key can have changed what is in a closed epoch
  -i, --identity FILE    age identities: also decrypts the blocks and checks every record, of the
                         zones that they open
      --checkpoint FILE  a checkpoint kept from earlier; shows an archive that was rolled back
${PLACE_HELP}
      --previous ARCHIVE the archive that this one goes on from: checks that one, too, and that it
                         still has what this one's first entry says of it
      --json             the result as JSON

A copy is fetched as a whole before it is checked, into a temporary folder; its versions are read by
their ids, so what somebody deleted or laid over locked objects is found and read all the same.

Exit code: 0 whole, 1 tampered (each place is named), 2 could not be checked.

Example:
  vouchsafe verify ./archive --vkey log.vkey -i auditor-identity.txt`,
  run,
};

async function run(line: CommandLine, io: CommandIo): Promise<number> {
  const [archive, ...rest] = line.positionals;
  if (archive === undefined || rest.length > 0) throw new UsageError("expected one ARCHIVE");
  const isJson = line.values.json === true;
  let place: ArchivePlace | undefined;
  try {
    place = await openPlace(archive, line, io.signal);
    const own = await readVerifyOptions(place.directory, line);
    const options = { ...own, absentSegments: place.copy?.openSegments };
    const checked = await verifyBoth(options, line.values.previous);
    const result = withFindings(checked, place.copy?.findings ?? []);
    const keySource = options.verifier === undefined ? "archive" : "argument";
    if (isJson) io.stdout.write(jsonResult(result, keySource, place));
    else io.stdout.write(textResult(result, keySource, copyLines(place, result.absentBlocks)));
    return result.findingsCount === 0 ? EXIT_OK : EXIT_FAILED;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (!(error instanceof AgentError) && code === undefined) throw error;
    const reason = describeError(error);
    if (isJson) io.stdout.write(`${JSON.stringify({ status: "unchecked", reason })}\n`);
    else io.stderr.write(`could not check: ${reason}\n`);
    return EXIT_UNCHECKED;
  } finally {
    await place?.close();
  }
}

/** With the archive before it, whose findings come first. */
async function verifyBoth(options: VerifyOptions, before: unknown): Promise<VerifyResult> {
  const result = await verifyArchive(options);
  if (typeof before !== "string") return result;
  const { previous } = result;
  if (previous === undefined) {
    throw new AgentError("archive.unreadable", `${options.archive} names no archive before it`);
  }
  const { observer: _, kept: __, firstEpoch: ___, ...shared } = options;
  const { origin, size, vkey } = previous;
  const older = await verifyArchive({
    ...shared,
    archive: before,
    verifier: parseVerifier(vkey),
    kept: { origin, size, root: Buffer.from(previous.root, "base64") },
  });
  const findings = older.findings.map((finding) => {
    return { ...finding, reason: `in ${before}: ${finding.reason}` };
  });
  return {
    ...result,
    findings: [...findings, ...result.findings],
    findingsCount: older.findingsCount + result.findingsCount,
  };
}

/** From `--vkey`, `-i` and the like. Throws what reading these files throws. */
export async function readVerifyOptions(
  archive: string,
  { values }: CommandLine,
): Promise<VerifyOptions> {
  const { vkey, "epoch-vkey": epochVkey, identity, checkpoint } = values;
  const verifier = typeof vkey === "string" ? await readVerifier(vkey) : undefined;
  const firstEpoch = typeof epochVkey === "string" ? await readVerifier(epochVkey) : undefined;
  const identities = typeof identity === "string" ? await readIdentities(identity) : undefined;
  const kept =
    typeof checkpoint === "string"
      ? await readKept(checkpoint, verifier ?? (await new LogFiles(archive).readVerifier()))
      : undefined;
  const observer = identities === undefined ? undefined : new ChainContinuity();
  return { archive, verifier, firstEpoch, identities, kept, observer, clock: systemClock };
}

async function readKept(path: string, verifier: NoteVerifier): Promise<VerifyOptions["kept"]> {
  const note = await readFile(path).catch((cause: unknown) => {
    throw new AgentError("archive.unreadable", `cannot read the kept checkpoint ${path}`, {
      cause,
    });
  });
  const { checkpoint, problem } = judgeCheckpoint(note, verifier);
  if (problem === undefined) return checkpoint;
  throw new AgentError("archive.unreadable", `${path} cannot be compared with: ${problem}`);
}

type KeySource = "archive" | "argument";

function jsonResult(result: VerifyResult, keySource: KeySource, { copy }: ArchivePlace): string {
  const seconds = result.elapsedMs / 1000;
  const report = {
    status: result.findingsCount === 0 ? "whole" : "tampered",
    origin: result.origin,
    vkey: result.vkey,
    key_from: keySource,
    size: result.size,
    root: result.root,
    entries: result.entries,
    epochs: {
      closed: result.epochs.closed,
      first_vkey: result.epochs.firstVkey,
      first_key_from: result.epochs.isPinned ? "argument" : "archive",
    },
    previous: result.previous,
    blocks: result.blocks,
    records: result.records,
    block_bytes: result.blockBytes,
    newer_bytes: result.newerBytes,
    deleted: result.deleted,
    copy: copy && {
      ...{ url: copy.url, objects: copy.objects, bytes: copy.bytes, unlocked: copy.unlocked },
      locked_until: copy.lockedUntilMs && new Date(copy.lockedUntilMs).toISOString(),
      absent_blocks: result.absentBlocks,
    },
    withheld: result.withheld,
    silences: result.silences,
    redacted: result.redacted,
    decrypted_blocks: result.decryptedBlocks,
    unopened_zones: result.unopenedZones,
    statements: result.statements.map(({ index, entry }) => ({ index, ...entry })),
    dropped: result.dropped.map(([chain, first, last]) => ({ chain, first, last })),
    seconds,
    findings_count: result.findingsCount,
    findings: result.findings,
  };
  return `${JSON.stringify(report)}\n`;
}

function textResult(result: VerifyResult, keySource: KeySource, copied: readonly string[]): string {
  const { findings, findingsCount } = result;
  const lines: string[] = [];
  for (const finding of findings.slice(0, FINDINGS_SHOWN)) {
    lines.push(`TAMPERED  ${formatFinding(finding)}`);
  }
  if (findingsCount > FINDINGS_SHOWN) {
    lines.push(`          and ${findingsCount - FINDINGS_SHOWN} more (see --json)`);
  }
  lines.push(
    `${result.origin}: ${findingsCount === 0 ? "whole" : "NOT whole"}, ${summary(result)}`,
  );
  lines.push(...copied);
  if (result.newerBytes > 0) {
    lines.push(
      `Beyond this checkpoint: ${result.newerBytes} newer bytes, not checked in this run.`,
    );
  }
  if (result.entries.unknown !== undefined) {
    lines.push(`${result.entries.unknown} entries are of kinds that this version does not know.`);
  }
  const { segments, blocks, records } = result.deleted;
  if (segments > 0) {
    const what = `${count(records, "record")} in ${count(blocks, "block")}`;
    lines.push(
      `Deleted when their time was over, as the log says: ${count(segments, "segment")}, ${what}.`,
    );
  }
  const { redacted, withheld } = result;
  if (withheld > 0) {
    lines.push(`Not sealed, since OTLP cannot express them, as the log says: ${withheld} records.`);
  }
  if (redacted.blocks > 0) {
    const where = count(redacted.blocks, "block");
    lines.push(
      `Erased by orders, as the log says: ${count(redacted.records, "record")} in ${where}.`,
    );
  }
  if (redacted.unfinished > 0) {
    const where = count(redacted.unfinished, "block");
    lines.push(`Ordered to be erased, but still there: ${where}. Call 'redact apply' again.`);
  }
  const closed = result.blocks - blocks - result.absentBlocks - result.decryptedBlocks;
  if (closed > 0) {
    lines.push(
      `Not decrypted, only compared with the hash in the log: ` +
        `${count(closed, "block")} (see -i IDENTITY).`,
    );
  }
  const unopened = Object.entries(result.unopenedZones);
  if (unopened.length > 0) {
    const zones = unopened.map(([zone, blocks]) => `${zone} (${count(blocks, "block")})`);
    lines.push(`Sealed for other recipients: ${zones.join(", ")}.`);
  }
  if (result.decryptedBlocks > 0 && !result.chainsChecked) {
    lines.push("Whether the chains of records have gaps was not checked: that takes every block.");
  }
  for (const { entry, fromMs, toMs } of result.silences.slice(0, SILENCES_SHOWN)) {
    const times = `${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}`;
    lines.push(
      `The agent was silent from ${times} (before entry ${entry}): it or its machine was ` +
        "stopped, or the clock set forward.",
    );
  }
  lines.push(...statementLines(result));
  if (keySource === "archive") {
    lines.push(
      "The key was taken from the archive itself (log.vkey). Whoever replaces the whole archive",
      `replaces it, too: compare it with one kept elsewhere, or give --vkey '${result.vkey}'.`,
    );
  }
  if (result.previous !== undefined) {
    const { origin, size } = result.previous;
    lines.push(`It goes on from ${origin} of ${count(size, "entry", "entries")} (--previous).`);
  }
  lines.push(...epochLines(result));
  return `${lines.join("\n")}\n`;
}

function epochLines({ epochs: { closed, firstVkey, isPinned } }: VerifyResult): string[] {
  const signed = `${count(closed, "epoch")} closed, each signed by a key that was then destroyed.`;
  if (isPinned) return [signed];
  return [
    signed,
    "The first key was taken from the log. Keep it elsewhere, and not even a thief of the log's key",
    `can change a closed epoch unseen: --epoch-vkey '${firstVkey}'`,
  ];
}

function summary(result: VerifyResult): string {
  const seconds = Math.max(result.elapsedMs, 1) / 1000;
  const megabytes = result.blockBytes / 1e6;
  return (
    `${count(result.records, "record")} in ${count(result.blocks, "block")}, ` +
    `${count(result.size, "log entry", "log entries")}, ${megabytes.toFixed(1)} MB, ` +
    `in ${seconds.toFixed(1)} s (${Math.round(result.records / seconds)} records/s)`
  );
}

function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}
