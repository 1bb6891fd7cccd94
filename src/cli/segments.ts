/** `vouchsafe segments`: what became of each file of an archive. */
import type { SegmentHistory } from "../../exporters/sealed_archive/reader/segment_history.ts";
import { readSegmentHistory } from "../../exporters/sealed_archive/reader/segment_history.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_OK, UsageError } from "./command.ts";
import { readVerifier } from "./read_verifier.ts";

export const segmentsCommand: Command = {
  summary: "Show what became of each file of a sealed archive: closed, redacted, deleted.",
  usage: "ARCHIVE [--vkey KEY] [--zone NAME] [--json]",
  options: {
    vkey: { type: "string" },
    zone: { type: "string" },
    json: { type: "boolean" },
  },
  help: `All from the signed log, whose signature and root are checked; 'verify' checks the files.

      --vkey KEY    the log's public key; without it the one beside the archive is trusted
      --zone NAME   only this zone
      --json        one JSON object a line

Example:
  vouchsafe segments ./archive --zone default`,
  run,
};

async function run({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  const [archive, ...rest] = positionals;
  if (archive === undefined || rest.length > 0) throw new UsageError("expected one ARCHIVE");
  const { vkey, zone } = values;
  const verifier = typeof vkey === "string" ? await readVerifier(vkey) : undefined;
  const segments = await readSegmentHistory(archive, verifier);
  const toLine = values.json === true ? jsonLine : textLine;
  for (const segment of segments) {
    if (zone === undefined || zone === segment.zone) io.stdout.write(`${toLine(segment)}\n`);
  }
  return EXIT_OK;
}

function jsonLine(segment: SegmentHistory): string {
  return JSON.stringify({
    zone: segment.zone,
    segment: segment.segment,
    records: segment.records,
    blocks: segment.blocks,
    bytes: segment.bytes,
    sha256: segment.sha256,
    opened: timeOf(segment.openedMs),
    closed: timeOf(segment.closedMs),
    redacted: segment.redactedMs.map(timeOf),
    deleted: timeOf(segment.deletedMs),
  });
}

function textLine(segment: SegmentHistory): string {
  const { zone, records, blocks, bytes } = segment;
  const parts = [
    `${zone}/${segment.segment}`,
    `records ${records[0]}-${records[1]}`,
    `${blocks} block${blocks === 1 ? "" : "s"}`,
    `${bytes} bytes`,
    `opened ${timeOf(segment.openedMs)}`,
    segment.closedMs === undefined ? "open" : `closed ${timeOf(segment.closedMs)}`,
    ...segment.redactedMs.map((ms) => `redacted ${timeOf(ms)}`),
    segment.deletedMs === undefined ? "" : `deleted ${timeOf(segment.deletedMs)}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function timeOf(timeMs: number): string;
function timeOf(timeMs: number | undefined): string | undefined;
function timeOf(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString();
}
