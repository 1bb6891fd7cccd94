/** `vouchsafe read`: the records of an archive, one a line, for those who hold an identity. */

import { once } from "node:events";
import type { ReadRecord } from "../../exporters/sealed_archive/reader/read_archive.ts";
import { readArchive } from "../../exporters/sealed_archive/reader/read_archive.ts";
import { readIdentities } from "../lib/age/identity_file.ts";
import { toOtlpJson } from "../otlp/encode_json.ts";
import { accessOptions } from "./archive_of_config.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_OK, UsageError } from "./command.ts";
import { flatJson } from "./flat_json.ts";
import { readTime } from "./read_time.ts";
import { readVerifier } from "./read_verifier.ts";
import { recordReading } from "./record_reading.ts";

const FORMATS: Readonly<Record<string, (read: ReadRecord) => string>> = {
  jsonl: flatJson,
  otlp_json: ({ record }) => toOtlpJson([record]),
};

export const readCommand: Command = {
  summary: "Print the records of a sealed archive, one a line.",
  usage: "ARCHIVE -i IDENTITY [-c FILE --reason TEXT] [--zone NAME] [--since TIME] [--until TIME]",
  options: {
    ...accessOptions,
    identity: { type: "string", short: "i" },
    vkey: { type: "string" },
    zone: { type: "string" },
    since: { type: "string" },
    until: { type: "string" },
    format: { type: "string", default: "jsonl" },
  },
  help: `Checks the signature, the log and each block that it reads, and stops at the first thing
that was changed. What was printed until then is right.

  -i, --identity FILE    the age identity of a recipient, as 'age-keygen' writes it
      --vkey FILE|TEXT   the log's public key; without it the one beside the archive is trusted
      --zone NAME        only this zone; without it, all zones that the identity opens
  -c, --config FILE      the agent's configuration, on its own host: records in the archive, before
                         anything is shown, who reads what and why; without it nothing is recorded
      --reason TEXT      why; needed with -c, and kept in the archive for ever
      --who NAME         who; without it the name of the user that runs the command
      --role NAME        as whom, such as auditor
      --since TIME       records from this time on: RFC 3339 (2026-11-21T09:00:00Z), or a duration
                         before now (1h30m)
      --until TIME       records before this time
      --format FORMAT    jsonl (default): a flat object a line;
                         otlp_json: an OTLP LogsData a line, which any OTLP tool reads

Example:
  vouchsafe read ./archive -i auditor-identity.txt --since 1h | grep ' 500 '`,
  run,
};

async function run(line: CommandLine, io: CommandIo): Promise<number> {
  const [archive, ...rest] = line.positionals;
  const { identity, zone, since, until, format, vkey } = line.values;
  if (archive === undefined || rest.length > 0) throw new UsageError("expected one ARCHIVE");
  if (typeof identity !== "string") throw new UsageError("expected -i IDENTITY");
  const toLine = typeof format === "string" && Object.hasOwn(FORMATS, format) && FORMATS[format];
  if (!toLine) throw new UsageError("--format is one of jsonl, otlp_json");
  const wanted = {
    sinceMs: readTime("--since", since),
    untilMs: readTime("--until", until),
    zone: typeof zone === "string" ? zone : undefined,
  };
  const verifier = typeof vkey === "string" ? await readVerifier(vkey) : undefined;
  const identities = await readIdentities(identity);
  const exit = await recordReading(archive, wanted, line, io);
  if (exit !== EXIT_OK) return exit;
  const blocks = readArchive({
    archive,
    ...wanted,
    verifier,
    identities,
    onUnopenedZone: (name, count) => {
      const blocks = `${count} block${count === 1 ? "" : "s"}`;
      io.stderr.write(`not read, sealed for other recipients: zone ${name} (${blocks})\n`);
    },
  });
  for await (const records of blocks) {
    if (records.length === 0) continue;
    const text = records.map((record) => `${toLine(record)}\n`).join("");
    if (!io.stdout.write(text)) await drained(io);
    if (io.signal.aborted || io.stdout.destroyed) break;
  }
  return EXIT_OK;
}

/** Waits until a slow reader took what was written, or is gone. */
async function drained({ stdout, signal }: CommandIo): Promise<void> {
  const closed = new AbortController();
  const stop = (): void => closed.abort();
  stdout.once("close", stop);
  signal.addEventListener("abort", stop, { once: true });
  try {
    await once(stdout, "drain", { signal: closed.signal });
  } catch {
    // Closed or interrupted; the caller looks.
  } finally {
    stdout.removeListener("close", stop);
    signal.removeEventListener("abort", stop);
  }
}
