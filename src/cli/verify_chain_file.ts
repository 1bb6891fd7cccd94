/**
 * Reads a file of OTLP JSON and sorts its records to the verifiers of their chains.
 *
 * Invariant: the file is streamed; of a record only a row of fixed size is kept.
 */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { CanonicalEncoder } from "../../processors/hmac_chain/canonical_record.ts";
import type { ChainKey } from "../../processors/hmac_chain/chain_key.ts";
import type { ChainReport } from "../../processors/hmac_chain/chain_report.ts";
import type { VerifyOptions } from "../../processors/hmac_chain/chain_verifier.ts";
import { ChainVerifier } from "../../processors/hmac_chain/chain_verifier.ts";
import {
  openGenesis,
  readChainKey,
  readIdentities,
} from "../../processors/hmac_chain/key_files.ts";
import { AgentError, describeError } from "../component/errors.ts";
import { INTEGRITY_CHAIN } from "../data/integrity.ts";
import type { LogRecord } from "../data/log_record.ts";
import { decodeLogsJson } from "../otlp/decode_json.ts";
import { STORED_DECODE_LIMITS } from "../otlp/limits.ts";
import type { DroppedSequences } from "./dropped_sequences.ts";
import { splitLines } from "./split_lines.ts";

export interface ChainFileOptions {
  readonly path: string;
  readonly identities: readonly string[];
  readonly genesis: readonly string[];
  readonly keys: readonly string[];
  readonly verify: Omit<VerifyOptions, "dropped">;
}

export interface ChainFileResult {
  readonly verdict: "whole" | "tampered" | "unchecked";
  readonly reports: readonly ChainReport[];
  /** Chains without a key, and their records. */
  readonly otherChains: ReadonlyMap<string, number>;
  readonly recordsWithoutChain: number;
  readonly unreadableLines: number;
  /** What is wrong with the first unreadable line. */
  readonly unreadableReason: string;
  /** Why nothing could be said; "" when something was. */
  readonly reason: string;
  readonly durationMs: number;
}

/** Throws `hmac_chain.key_file`. */
export async function readKeys(options: ChainFileOptions): Promise<ChainKey[]> {
  const identities: string[] = [];
  for (const path of options.identities) identities.push(...(await readIdentities(path)));
  const keys: ChainKey[] = [];
  for (const path of options.genesis) keys.push(await openGenesis(path, identities));
  for (const path of options.keys) keys.push(await readChainKey(path));
  return keys;
}

/** Throws `hmac_chain.file_unreadable`. */
export async function verifyChainFile(
  options: ChainFileOptions,
  keys: readonly ChainKey[],
  dropped: DroppedSequences,
  signal: AbortSignal,
): Promise<ChainFileResult> {
  const startMs = performance.now();
  const sorter = new RecordSorter(keys, options.verify, dropped);
  const input = options.path === "-" ? process.stdin : createReadStream(options.path);
  const read = async (source: AsyncIterable<Buffer>) => {
    for await (const line of splitLines(source)) sorter.line(line);
  };
  try {
    if (options.path.endsWith(".gz")) await pipeline(input, createGunzip(), read, { signal });
    else await pipeline(input, read, { signal });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new AgentError("hmac_chain.file_unreadable", `cannot read ${options.path}: ${code}`, {
      cause,
    });
  }
  return { ...sorter.finish(), durationMs: performance.now() - startMs };
}

/** What a forged file can make the verifier keep. */
const OTHER_CHAINS_MAX = 1000;
const GUESSES_MAX = 16;
const CHAIN_ID = /^[0-9a-f]{32}$/;

class RecordSorter {
  readonly #options: ChainFileOptions["verify"];
  readonly #dropped: DroppedSequences;
  readonly #encoder = new CanonicalEncoder();
  readonly #verifiers = new Map<string, ChainVerifier>();
  /** A key that names no chain: it is tried on every chain that has no other key. */
  readonly #nameless: ChainKey | undefined;
  readonly #guesses = new Map<string, ChainVerifier>();
  readonly #otherChains = new Map<string, number>();
  #withoutChain = 0;
  #lines = 0;
  #unreadable = 0;
  #unreadableReason = "";

  constructor(
    keys: readonly ChainKey[],
    options: ChainFileOptions["verify"],
    dropped: DroppedSequences,
  ) {
    this.#options = options;
    this.#dropped = dropped;
    const nameless = keys.filter(({ chain }) => chain === undefined);
    if (nameless.length > 1) {
      throw new AgentError("hmac_chain.key_file", "only one key that names no chain can be given");
    }
    this.#nameless = nameless[0];
    for (const key of keys) {
      if (key.chain !== undefined) {
        this.#verifiers.set(key.chain, this.#newVerifier(key.chain, key));
      }
    }
  }

  line(bytes: Uint8Array): void {
    this.#lines++;
    if (bytes.length === 0) return;
    let records: readonly LogRecord[];
    try {
      ({ records } = decodeLogsJson(bytes, STORED_DECODE_LIMITS));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#unreadable++;
      this.#unreadableReason ||= `line ${this.#lines}: ${describeError(error)}`;
      return;
    }
    for (let index = 0; index < records.length; index++) {
      this.#record(records[index]!, this.#lines, index + 1);
    }
  }

  finish(): Omit<ChainFileResult, "durationMs"> {
    const reports = [...this.#verifiers.values()].map((verifier) => verifier.finish());
    for (const [chain, verifier] of this.#guesses) {
      const report = verifier.finish();
      if (report.genuine > 0) reports.push(report);
      else this.#otherChains.set(chain, report.records);
    }
    const isTampered = reports.some(({ findings }) => findings.length > 0);
    const reason = isTampered ? "" : this.#whyUnchecked(reports);
    return {
      verdict: isTampered ? "tampered" : reason === "" ? "whole" : "unchecked",
      reports,
      otherChains: this.#otherChains,
      recordsWithoutChain: this.#withoutChain,
      unreadableLines: this.#unreadable,
      unreadableReason: this.#unreadableReason,
      reason,
    };
  }

  #whyUnchecked(reports: readonly ChainReport[]): string {
    const absent = reports.find(({ records }) => records === 0);
    if (absent !== undefined) return `the file has no record of chain ${absent.chain}`;
    if (reports.length > 0) return "";
    if (this.#otherChains.size > 0)
      return "no record fits this key; is it the key of another chain?";
    return "the file has no record with integrity attributes";
  }

  #record(record: LogRecord, line: number, index: number): void {
    const chain = record.attributes[INTEGRITY_CHAIN];
    if (typeof chain !== "string") {
      this.#withoutChain++;
      return;
    }
    const verifier = this.#verifiers.get(chain) ?? this.#guess(chain);
    if (verifier !== undefined) {
      verifier.add(record, { line, record: index });
      return;
    }
    const isCounted = CHAIN_ID.test(chain) && this.#otherChains.size < OTHER_CHAINS_MAX;
    const name = isCounted || this.#otherChains.has(chain) ? chain : "others";
    this.#otherChains.set(name, (this.#otherChains.get(name) ?? 0) + 1);
  }

  #guess(chain: string): ChainVerifier | undefined {
    const known = this.#guesses.get(chain);
    if (known !== undefined || this.#nameless === undefined) return known;
    if (!CHAIN_ID.test(chain) || this.#guesses.size >= GUESSES_MAX) return undefined;
    const verifier = this.#newVerifier(chain, this.#nameless);
    this.#guesses.set(chain, verifier);
    return verifier;
  }

  #newVerifier(chain: string, { key }: ChainKey): ChainVerifier {
    const options = { ...this.#options, dropped: this.#dropped(chain) };
    return new ChainVerifier(key.reveal(), chain, options, this.#encoder);
  }
}
