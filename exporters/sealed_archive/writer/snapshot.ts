/**
 * The snapshot that stands in for the frames of the write-ahead log that were removed: what the
 * first `size` entries say, and the marks after them.
 *
 * Invariant: it is replaced as a whole (temporary file, fsync, rename), and it ends with a count,
 * so a reader sees one whole snapshot or none. It never says more than `size` entries do.
 */
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { AgentError } from "../../../src/component/errors.ts";
import { syncDirectory } from "../../../src/lib/durable_file.ts";
import { FrameLog } from "../../../src/lib/frame_log.ts";
import { treatmentSchema } from "../format/entry.ts";
import type { LogState } from "../format/log_state.ts";
import { readIfThere } from "../optional_file.ts";
import type { Mark } from "./wal.ts";
import { markSchema } from "./wal.ts";

const MARKS_PER_FRAME = 1000;
const FILE_NAME = "snapshot";

const integer = z.number().int();
const zonePosition = z.object({
  segment: integer,
  open: z.boolean(),
  openedAtMs: integer,
  blocks: integer,
  bytes: integer,
  nextSequence: integer,
  closedSegments: integer,
  sums: z.string(),
});
const epochPosition = z.object({
  number: integer,
  vkey: z.string(),
  firstEntry: integer,
  openedMs: integer,
});
const keptSegment = z.object({
  segment: integer,
  closed: z.boolean(),
  lastBlockMs: integer,
  fromMs: integer,
  toMs: integer,
});
const hold = z.object({
  case: z.string(),
  zone: z.string().optional(),
  since: integer.optional(),
  until: integer.optional(),
});
const logState = z.object({
  positions: z.array(z.tuple([z.string(), zonePosition])),
  recipients: z.array(z.tuple([z.string(), z.array(z.string())])),
  kept: z.array(z.tuple([z.string(), z.array(keptSegment)])),
  holds: z.array(z.tuple([z.string(), hold])),
  treatments: z.array(z.tuple([z.string(), treatmentSchema])),
  authorities: z.array(z.string()),
  epoch: epochPosition,
  atMs: integer,
});
const head = z.object({ v: z.literal(2), size: integer, state: logState, marks: integer });
const marksFrame = z.array(markSchema);

export interface Snapshot {
  readonly size: number;
  readonly state: LogState;
  readonly marks: readonly Mark[];
}

export async function writeSnapshot(directory: string, snapshot: Snapshot): Promise<void> {
  const path = join(directory, FILE_NAME);
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  const { log } = await FrameLog.open(temporary);
  try {
    const { size, state, marks } = snapshot;
    const content = writeState(state);
    await log.append([encode({ v: 2, size, state: content, marks: marks.length })]);
    for (let from = 0; from < marks.length; from += MARKS_PER_FRAME) {
      await log.append([encode(marks.slice(from, from + MARKS_PER_FRAME))]);
    }
    await log.sync();
  } finally {
    await log.close();
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Undefined when there is none. Throws `storage.corrupt` for one that is not whole. */
export async function readSnapshot(directory: string): Promise<Snapshot | undefined> {
  const path = join(directory, FILE_NAME);
  if ((await readIfThere(path)) === undefined) return undefined;
  const { log, frames } = await FrameLog.open(path);
  await log.close();
  try {
    const [first, ...rest] = frames.map((frame): unknown =>
      JSON.parse(Buffer.from(frame).toString()),
    );
    const { size, state, marks: count } = head.parse(first);
    const marks = rest.flatMap((frame) => marksFrame.parse(frame));
    if (marks.length !== count) throw new RangeError("marks are missing");
    return { size, state: readState(state), marks };
  } catch (cause) {
    throw new AgentError("storage.corrupt", `${path} is not whole`, { cause });
  }
}

function writeState(state: LogState): object {
  return {
    ...state,
    positions: [...state.positions],
    recipients: [...state.recipients],
    kept: [...state.kept],
    holds: [...state.holds],
    treatments: [...state.treatments],
  };
}

function readState(state: z.infer<typeof logState>): LogState {
  return {
    ...state,
    positions: new Map(state.positions),
    recipients: new Map(state.recipients),
    kept: new Map(state.kept),
    holds: new Map(state.holds),
    treatments: new Map(state.treatments),
  };
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
