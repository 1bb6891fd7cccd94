/** `vouchsafe verify-proof`: does this file prove a record? Takes the public key, no archive. */
import { readFile } from "node:fs/promises";
import type { Policy } from "../../exporters/sealed_archive/format/policy.ts";
import { judgeNote } from "../../exporters/sealed_archive/format/policy.ts";
import type {
  CheckedProof,
  ProvenRecord,
} from "../../exporters/sealed_archive/proof/check_proof.ts";
import { checkProof } from "../../exporters/sealed_archive/proof/check_proof.ts";
import { AgentError, describeError } from "../component/errors.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_FAILED, EXIT_OK, UsageError } from "./command.ts";
import { flatJson, flatRecord } from "./flat_json.ts";
import { readVerifier } from "./read_verifier.ts";
import { readPolicy } from "./witness_rule.ts";

const EXIT_UNCHECKED = 2;
/** A record has a bound of its own, far below this. */
const PROOF_BYTES_MAX = 256 * 1024 * 1024;

export const verifyProofCommand: Command = {
  summary: "Check a proof of one record with the log's public key alone.",
  usage: "FILE --vkey FILE|TEXT [--policy FILE] [--json]",
  options: {
    vkey: { type: "string" },
    policy: { type: "string" },
    json: { type: "boolean" },
  },
  help: `FILE is a .tlog-proof, as 'vouchsafe prove' writes it.

      --vkey FILE|TEXT   the log's public key, from somewhere else than the proof
      --policy FILE      a policy (c2sp.org/tlog-policy): also asks for the cosignatures of its
                         witnesses, so that the log cannot show others another history
      --json             the result as JSON

Exit code: 0 proven, 1 not proven, 2 could not be checked.

Example:
  vouchsafe verify-proof 4711.tlog-proof --vkey log.vkey`,
  run,
};

async function run(line: CommandLine, io: CommandIo): Promise<number> {
  const [path, ...rest] = line.positionals;
  const { vkey, policy, json } = line.values;
  if (path === undefined || rest.length > 0) throw new UsageError("expected one FILE");
  if (typeof vkey !== "string") throw new UsageError("expected --vkey: a proof has no key in it");
  try {
    const verifier = await readVerifier(vkey);
    const rule = typeof policy === "string" ? await readPolicy(policy) : undefined;
    const checked = judged(checkProof(await readProof(path), verifier), rule);
    if ("problem" in checked) {
      const { problem } = checked;
      if (json === true) writeJson(io, { status: "not_proven", reason: problem });
      else io.stdout.write(`NOT PROVEN  ${path}: ${problem}\n`);
      return EXIT_FAILED;
    }
    if (json === true) writeJson(io, jsonResult(checked));
    else io.stdout.write(textResult(checked));
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const reason = describeError(error);
    if (json === true) writeJson(io, { status: "unchecked", reason });
    else io.stderr.write(`could not check: ${reason}\n`);
    return EXIT_UNCHECKED;
  }
}

function judged(checked: CheckedProof, policy: Policy | undefined): CheckedProof {
  if ("problem" in checked || policy === undefined || judgeNote(policy, checked.note).isMet) {
    return checked;
  }
  return { problem: "its checkpoint has not the cosignatures that the policy asks for" };
}

async function readProof(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= PROOF_BYTES_MAX) return bytes.toString();
  } catch (cause) {
    throw new AgentError("archive.unreadable", `cannot read the proof ${path}`, { cause });
  }
  throw new AgentError("archive.unreadable", `${path} is too long for a proof`);
}

function writeJson(io: CommandIo, content: object): void {
  io.stdout.write(`${JSON.stringify(content)}\n`);
}

function jsonResult({ checkpoint, index, entry, sequence, record }: ProvenRecord): object {
  return {
    status: "proven",
    origin: checkpoint.origin,
    size: checkpoint.size,
    root: checkpoint.root.toString("base64"),
    index,
    entry,
    record:
      sequence === undefined
        ? undefined
        : {
            zone: entry.zone,
            seq: sequence,
            content: record === undefined ? undefined : flatRecord(record),
          },
  };
}

function textResult({ checkpoint, index, entry, sequence, record }: ProvenRecord): string {
  const { zone, seq, at } = entry;
  const what =
    sequence === undefined
      ? `the block with the records ${seq[0]} to ${seq[1]} of zone ${zone}`
      : `record ${sequence} of zone ${zone}`;
  const lines = [
    `PROVEN  ${what} is in the log ${checkpoint.origin}, in entry ${index} of ${checkpoint.size},`,
    `        sealed at ${new Date(at).toISOString()} by the clock of the agent`,
  ];
  if (record !== undefined && sequence !== undefined) {
    lines.push(flatJson({ record, zone, sequence }));
  } else if (sequence !== undefined) {
    lines.push("        The record itself is not disclosed in this proof.");
  } else {
    lines.push("        What these records say, or how they are ordered, this proof leaves open.");
  }
  return `${lines.join("\n")}\n`;
}
