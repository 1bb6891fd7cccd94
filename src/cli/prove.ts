/** `vouchsafe prove`: a file that proves one record of an archive to whoever has the log's key. */
import { writeFile } from "node:fs/promises";
import { ZONE_NAME } from "../../exporters/sealed_archive/format/entry.ts";
import { proveRecord } from "../../exporters/sealed_archive/proof/prove_record.ts";
import { AgentError } from "../component/errors.ts";
import { readIdentities } from "../lib/age/identity_file.ts";
import { accessOptions } from "./archive_of_config.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_OK, UsageError } from "./command.ts";
import { readVerifier } from "./read_verifier.ts";
import { recordReading } from "./record_reading.ts";

export const proveCommand: Command = {
  summary: "Write a file that proves one record of an archive, and needs no archive.",
  usage: "ARCHIVE --record [ZONE/]NUMBER [-i IDENTITY] [--disclose] [-o FILE]",
  options: {
    ...accessOptions,
    record: { type: "string" },
    identity: { type: "string", short: "i" },
    disclose: { type: "boolean" },
    vkey: { type: "string" },
    output: { type: "string", short: "o" },
  },
  help: `Writes a c2sp.org/tlog-proof, which 'vouchsafe verify-proof' checks with the public key of
the log. The log is rebuilt first: nothing is proven out of an archive whose log was changed.

      --record ZONE/NUMBER  the record, as 'read' prints its zone and seq; NUMBER alone: of the
                            zone 'default'
  -i, --identity FILE    the age identity of a recipient: the proof then leads to the record itself;
                         without it, to the block that holds it
      --disclose         puts the record into the proof, readable for all. Without it nobody learns
                         anything of the record; a proof with it can be given later
      --vkey FILE|TEXT   the log's public key; without it the one beside the archive is trusted
  -o, --output FILE      a new file; without it the proof is printed

With --disclose a record is read, which the archive can record as 'read' does:
  -c, --config FILE      the agent's configuration, on its own host
      --reason TEXT      why; needed with -c
      --who NAME         who; without it the name of the user that runs the command
      --role NAME        as whom, such as auditor

Example:
  vouchsafe prove ./archive --record 4711 -i auditor-identity.txt --disclose -o 4711.tlog-proof`,
  run,
};

async function run(line: CommandLine, io: CommandIo): Promise<number> {
  const [archive, ...rest] = line.positionals;
  const { identity, vkey, output } = line.values;
  if (archive === undefined || rest.length > 0) throw new UsageError("expected one ARCHIVE");
  const { zone, sequence } = readPlace(line.values.record);
  const disclose = line.values.disclose === true;
  if (disclose && typeof identity !== "string") {
    throw new UsageError("--disclose takes -i IDENTITY: the record must be decrypted");
  }
  const verifier = typeof vkey === "string" ? await readVerifier(vkey) : undefined;
  const identities = typeof identity === "string" ? await readIdentities(identity) : undefined;
  if (disclose) {
    const exit = await recordReading(archive, { zone, count: 1 }, line, io);
    if (exit !== EXIT_OK) return exit;
  }
  const proof = await proveRecord({ archive, verifier, zone, sequence, identities, disclose });
  if (typeof output !== "string") io.stdout.write(proof);
  else await writeNew(output, proof, disclose);
  return EXIT_OK;
}

function readPlace(text: unknown): { zone: string; sequence: number } {
  const match = typeof text === "string" ? /^(?:(.*)\/)?(0|[1-9]\d{0,15})$/.exec(text) : null;
  const zone = match?.[1] ?? "default";
  const sequence = Number(match?.[2]);
  if (match === null || !ZONE_NAME.test(zone) || !Number.isSafeInteger(sequence)) {
    throw new UsageError("expected --record ZONE/NUMBER, such as default/4711");
  }
  return { zone, sequence };
}

/** What discloses a record is for its owner's eyes until they decide otherwise. */
async function writeNew(path: string, proof: string, isPrivate: boolean): Promise<void> {
  try {
    await writeFile(path, proof, { flag: "wx", mode: isPrivate ? 0o600 : 0o644 });
  } catch (cause) {
    throw new AgentError("storage.unwritable", `cannot write ${path}; it must be new`, { cause });
  }
}
