/**
 * Erases records out of sealed blocks, as an authority ordered it: for a holder of the zone's identity,
 * as the agent's user, whether the agent runs or not.
 *
 * Invariant: the old block is overwritten only when what stands in its place is on disk and a
 * checkpoint covers the entry that says so. Called again after a crash it does what is left to do.
 */
import { constants } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Decrypter } from "age-encryption";
import { AgentError } from "../../src/component/errors.ts";
import type { RandomSource } from "../../src/component/settings.ts";
import { INTEGRITY_CHAIN, INTEGRITY_SEQUENCE } from "../../src/data/integrity.ts";
import { encryptAgeFile, parseAgeRecipient } from "../../src/lib/age/age_file.ts";
import { writeFileDurably } from "../../src/lib/durable_file.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { STORED_DECODE_LIMITS } from "../../src/otlp/limits.ts";
import type { SealedArchiveConfig } from "./config.ts";
import type { BlockEntry, DroppedRange } from "./format/entry.ts";
import { CHAIN_ID, DROPPED_RANGES_MAX, REMOVED_RANGES_MAX } from "./format/entry.ts";
import { sha256 } from "./format/merkle.ts";
import { holdsNumber, toNumberRanges } from "./format/number_ranges.ts";
import { segmentFileName } from "./format/position.ts";
import type { RedactedItem } from "./format/redacted_block.ts";
import { leafOf, packRedacted } from "./format/redacted_block.ts";
import type { RedactionOrder } from "./format/redaction_order.ts";
import { parseOrder } from "./format/redaction_order.ts";
import { redactedFileName, redactedFilePrefix, redactProblem } from "./format/redactions.ts";
import { LogFiles } from "./reader/log_files.ts";
import { openItems } from "./reader/open_items.ts";
import type { LoggedBlock } from "./reader/read_blocks.ts";
import { readBlocks } from "./reader/read_blocks.ts";
import { readLogState } from "./reader/read_state.ts";
import { recordEntry } from "./record_entry.ts";
import { PUBLIC_FILE_MODE } from "./writer/segment_files.ts";

const PUBLISHED_POLL_MS = 100;
const PUBLISHED_MS_MAX = 120_000;

export interface RedactOptions {
  readonly config: SealedArchiveConfig;
  /** The archive's own folder below the agent's state directory. */
  readonly stateDirectory: string;
  /** The authority's signed note. */
  readonly order: string;
  readonly identities: Decrypter;
  readonly random: RandomSource;
}

export interface RedactedBlock {
  /** Index of the entry that says it. */
  readonly entry: number;
  readonly records: number;
}

/**
 * One for each block that was changed. Throws `archive.entry_refused` for an order that does not
 * count, `archive.wrong_identity`, `archive.tampered`, and what recording an entry throws.
 */
export async function redact(options: RedactOptions): Promise<RedactedBlock[]> {
  const { config } = options;
  const split = options.order.lastIndexOf("\n\n");
  const order = parseOrder(options.order.slice(0, split + 1));
  if (order === undefined) throw refused("this is no redaction order");
  if (order.origin !== config.origin) throw refused(`the order is about ${order.origin}`);
  const state = { ...(await readLogState(config.directory)), origin: config.origin };
  const done: RedactedBlock[] = [];
  for (const block of await readBlocks(config.directory, order.zone)) {
    const { numbers, isNew } = orderedNumbers(order, block);
    if (numbers.length === 0) continue;
    if (isNew) {
      // Before anything is written; the agent looks again, and whoever verifies.
      const { zone, seg } = block.entry;
      const request = { zone, seg, removed: toNumberRanges(numbers), order: options.order };
      const problem = redactProblem(state, request);
      if (problem !== undefined) throw refused(problem);
      done.push(await redactBlock(options, numbers, block));
    } else await finish(options, block, block.redaction!.entry.sha256);
  }
  return done;
}

/** Numbers of the block's records that the order names; `isNew` when one of them is still there. */
function orderedNumbers(
  { records }: RedactionOrder,
  { entry, redaction }: LoggedBlock,
): { readonly numbers: readonly number[]; readonly isNew: boolean } {
  const all = Array.from({ length: entry.inner.n }, (_, at) => entry.seq[0] + at);
  const numbers = all.filter((number) => holdsNumber(records, number));
  const already = redaction?.removed ?? [];
  return { numbers, isNew: numbers.some((number) => !holdsNumber(already, number)) };
}

async function redactBlock(
  options: RedactOptions,
  numbers: readonly number[],
  block: LoggedBlock,
): Promise<RedactedBlock> {
  const { seq, seg, zone } = block.entry;
  const already = block.redaction?.removed ?? [];
  const wanted = numbers.filter((number) => !holdsNumber(already, number));
  const opened = await openItems(
    options.config.directory,
    block.entry,
    block.redaction,
    options.identities,
  );
  if (opened === undefined) {
    throw new AgentError("archive.wrong_identity", `the identity does not open zone ${zone}`);
  }
  if ("problem" in opened) throw tampered(block.entry, opened.problem);
  const items = [...opened.items];
  const dropped = chainRanges(wanted.map((number) => items[number - seq[0]]!));
  for (const number of wanted) {
    const at = number - seq[0];
    items[at] = { leaf: leafOf(items[at]!) };
  }
  const removed = toNumberRanges(wanted);
  if (removed.length > REMOVED_RANGES_MAX || (dropped?.length ?? 0) > DROPPED_RANGES_MAX) {
    throw refused("it names too many records apart from each other in one block: split it");
  }
  const recipients = block.recipients.map((text) => parseAgeRecipient(text)!);
  const bytes = encryptAgeFile(packRedacted(items), recipients, options.random);
  const hash = sha256(bytes).toString("hex");
  const name = redactedFileName(seg, block.index, hash);
  const path = join(options.config.directory, "blocks", zone, name);
  await writeFileDurably(path, bytes, PUBLIC_FILE_MODE);
  const entry = { type: "redact", zone, seg, block: block.index, removed, dropped } as const;
  const { index } = await recordEntry({
    ...options,
    entry: { ...entry, len: bytes.length, sha256: hash, order: options.order },
  });
  await published(options.config.directory, index);
  await finish(options, block, hash);
  return { entry: index, records: wanted.length };
}

/** So that a verifier of the chain does not take the erased records for lost ones. */
function chainRanges(items: readonly RedactedItem[]): DroppedRange[] | undefined {
  const numbers = new Map<string, number[]>();
  for (const item of items) {
    if ("leaf" in item) continue;
    const attributes = decodeLogs(item.record, STORED_DECODE_LIMITS).records[0]?.attributes ?? {};
    const { [INTEGRITY_CHAIN]: chain, [INTEGRITY_SEQUENCE]: sequence } = attributes;
    if (typeof chain !== "string" || !CHAIN_ID.test(chain)) continue;
    if (typeof sequence !== "number" || !Number.isSafeInteger(sequence) || sequence < 0) continue;
    numbers.set(chain, [...(numbers.get(chain) ?? []), sequence]);
  }
  const ranges = [...numbers].flatMap(([chain, sequences]) =>
    toNumberRanges(sequences.sort((a, b) => a - b)).map(
      ([first, last]): DroppedRange => [chain, first, last],
    ),
  );
  return ranges.length === 0 ? undefined : ranges;
}

/** Waits for a checkpoint that covers the entry. */
async function published(archive: string, index: number): Promise<void> {
  const files = new LogFiles(archive);
  const verifier = await files.readVerifier();
  for (let waitedMs = 0; waitedMs < PUBLISHED_MS_MAX; waitedMs += PUBLISHED_POLL_MS) {
    const { checkpoint, problem } = await files.readCheckpoint(verifier);
    if (problem === undefined && checkpoint.size > index) return;
    await pause(PUBLISHED_POLL_MS);
  }
  const message = "the agent publishes no checkpoint; call the command again when it does";
  throw new AgentError("storage.unwritable", message);
}

/** Overwrites the block, and removes all in its place but the file with this hash. */
async function finish(
  { config }: RedactOptions,
  { index, entry }: LoggedBlock,
  hash: string,
): Promise<void> {
  const { zone, seg, off, len } = entry;
  const folder = join(config.directory, "blocks", zone);
  const path = join(folder, segmentFileName(seg));
  const handle = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    for (let at = 0; at < len; ) {
      at += (await handle.write(Buffer.alloc(len - at), 0, len - at, off + at)).bytesWritten;
    }
    await handle.datasync();
  } finally {
    await handle.close();
  }
  const current = redactedFileName(seg, index, hash);
  const prefix = redactedFilePrefix(seg, index);
  for (const name of await readdir(folder)) {
    if (name.startsWith(prefix) && name !== current) await rm(join(folder, name), { force: true });
  }
}

function refused(message: string): AgentError {
  return new AgentError("archive.entry_refused", message);
}

function tampered({ zone, seg, off }: BlockEntry, problem: string): AgentError {
  const message = `blocks/${zone}/${seg}.blk, byte ${off}: ${problem}`;
  return new AgentError("archive.tampered", message);
}
