/**
 * `vouchsafe verify-chain`: checks records that came back from any backend against the key of the
 * chain that the agent wrote them to. Needs neither the agent nor its archive.
 */
import { AgentError, describeError } from "../component/errors.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_FAILED, EXIT_OK, UsageError } from "./command.ts";
import { readDropped } from "./dropped_sequences.ts";
import type { ChainFileOptions } from "./verify_chain_file.ts";
import { readKeys, verifyChainFile } from "./verify_chain_file.ts";
import { jsonReport, textReport } from "./verify_chain_report.ts";

const EXIT_UNCHECKED = 2;

export const verifyChainCommand: Command = {
  summary: "Check exported records against their HMAC chain: edits, holes, duplicates, reorders.",
  usage: "FILE (-i IDENTITY --genesis FILE | --key FILE) [options]",
  options: {
    identity: { type: "string", short: "i", multiple: true },
    genesis: { type: "string", multiple: true },
    key: { type: "string", multiple: true },
    "expect-first": { type: "string" },
    "expect-last": { type: "string" },
    dropped: { type: "string" },
    ordered: { type: "boolean" },
    all: { type: "boolean" },
    json: { type: "boolean" },
  },
  help: `FILE holds OTLP JSON, one request a line, in any order; records of other origins may be
between them. '-' is the standard input, and a name that ends in .gz is unpacked.

  -i, --identity FILE    the auditor's age identity, which opens the genesis
      --genesis FILE     genesis.age of a chain, from the agent's state directory; repeatable
      --key FILE         a chain key in clear instead, as 'vouchsafe keys generate chain' wrote it
      --expect-first N   records before sequence N are not expected (retention; default 0)
      --expect-last N    sequence N must be there: shows records cut off at the end
      --dropped FILE     the output of 'verify ARCHIVE --json', for records that 'read' took from
                         that archive: it lists what was delivered again and dropped. Or the
                         sequences themselves, such as 41-60,90-95
      --ordered          also report records that stand in another order than they were written
      --all              print every finding (default: the first 20)
      --json             the report as JSON

Exit code: 0 whole, 1 tampered, 2 could not be checked.

Records cut off at the end leave no hole. Compare with a sequence you know from elsewhere.

Example:
  vouchsafe verify-chain export.jsonl.gz -i auditor-identity.txt --genesis genesis.age`,
  run,
};

async function run(line: CommandLine, io: CommandIo): Promise<number> {
  const options = readOptions(line);
  try {
    const keys = await readKeys(options);
    const dropped = await readDropped(texts(line, "dropped")[0]);
    const result = await verifyChainFile(options, keys, dropped, io.signal);
    const report = line.values.json === true ? jsonReport : textReport;
    io.stdout.write(report(result, line.values.all === true));
    if (result.verdict === "whole") return EXIT_OK;
    return result.verdict === "tampered" ? EXIT_FAILED : EXIT_UNCHECKED;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    io.stderr.write(`could not check: ${describeError(error)}\n`);
    return EXIT_UNCHECKED;
  }
}

function readOptions(line: CommandLine): ChainFileOptions {
  const [path, ...rest] = line.positionals;
  if (path === undefined || rest.length > 0) throw new UsageError("expected one FILE");
  const identities = texts(line, "identity");
  const genesis = texts(line, "genesis");
  const keys = texts(line, "key");
  if (genesis.length + keys.length === 0) {
    throw new UsageError("expected --genesis with -i, or --key");
  }
  if (genesis.length > 0 && identities.length === 0) {
    throw new UsageError("--genesis is sealed: expected -i with the identity that opens it");
  }
  return {
    path,
    identities,
    genesis,
    keys,
    verify: {
      expectFirst: sequence(line, "expect-first") ?? 0,
      expectLast: sequence(line, "expect-last"),
      ordered: line.values.ordered === true,
    },
  };
}

function texts(line: CommandLine, name: string): string[] {
  const value = line.values[name];
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

function sequence(line: CommandLine, name: string): number | undefined {
  const text = texts(line, name)[0];
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--${name}: expected a sequence number`);
  return Number(text);
}
