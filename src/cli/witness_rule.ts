/** Policies of witnesses as a command line gives them. */
import { readFile } from "node:fs/promises";
import { parseDurationMs } from "../../config/values.ts";
import type { NoteVerifier } from "../../exporters/sealed_archive/format/note.ts";
import type { Policy } from "../../exporters/sealed_archive/format/policy.ts";
import { parsePolicy } from "../../exporters/sealed_archive/format/policy.ts";
import type { WitnessRule } from "../../exporters/sealed_archive/reader/anchor_check.ts";
import { LogFiles } from "../../exporters/sealed_archive/reader/log_files.ts";
import { AgentError } from "../component/errors.ts";
import type { CommandLine } from "./command.ts";
import { UsageError } from "./command.ts";

/** Of `--policy` and `--max-age`. */
export async function readWitnessRule({
  policy,
  "max-age": age,
}: CommandLine["values"]): Promise<WitnessRule | undefined> {
  const ageMaxMs = typeof age === "string" ? parseDurationMs(age) : undefined;
  if (typeof age === "string" && ageMaxMs === undefined) {
    throw new UsageError("--max-age is a duration such as 1h");
  }
  if (typeof policy === "string") return { policy: await readPolicy(policy), ageMaxMs };
  if (age !== undefined) throw new UsageError("--max-age takes --policy FILE");
  return undefined;
}

/** Throws `archive.policy_invalid`. */
export async function readPolicy(path: string): Promise<Policy> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AgentError("archive.policy_invalid", `cannot read the policy ${path}`, { cause });
  });
  return parsePolicy(text);
}

/**
 * The key that a policy has for the log of an archive; undefined when it names no log at all. Throws
 * `archive.policy_invalid` when it names others only.
 */
export async function logOf(
  archive: string,
  policy: Policy | undefined,
): Promise<NoteVerifier | undefined> {
  if (policy === undefined || policy.logs.length === 0) return undefined;
  const { name } = await new LogFiles(archive).readVerifier();
  const log = policy.logs.find((candidate) => candidate.name === name);
  if (log !== undefined) return log;
  throw new AgentError("archive.policy_invalid", `the policy has no key of the log ${name}`);
}
