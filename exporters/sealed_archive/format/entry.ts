/**
 * The entries of the log: one line of canonical JSON each, without a line feed.
 *
 * Invariant: an entry holds nothing about the content of a record but salted hashes, counts, sizes
 * and time bounds; the log is public and can never be erased. Fields that a later version adds are
 * ignored by this one, and so are entries of kinds that it does not know.
 */
import { z } from "zod";
import type { CanonicalValue } from "./canonical_json.ts";
import { canonicalJson, parseCanonicalJson } from "./canonical_json.ts";
import { ORDER_LENGTH_MAX } from "./redaction_order.ts";

/** Our own bound, far below the 65,535 bytes of the format. */
export const ENTRY_SIZE_BYTES_MAX = 4096;
/** Ranges of {@link DroppedRange} in one entry; with them it stays below 4 KiB. */
export const DROPPED_RANGES_MAX = 32;

const integer = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
const root = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);
/** Wall clock of the agent when it made the entry, in milliseconds since the Unix epoch. */
const at = integer;
/** These names become names of files, so nothing but these characters may occur. */
export const ZONE_NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const zone = z.string().regex(ZONE_NAME);
const segmentName = z.string().regex(/^\d{8}$/);

/** `[chain id, first sequence, last sequence]` of records delivered again and dropped. */
export const CHAIN_ID = /^[0-9a-f]{32}$/;
const droppedRange = z.tuple([z.string().regex(CHAIN_ID), integer, integer]);
const dropped = z.array(droppedRange).max(DROPPED_RANGES_MAX).optional();
/** Records that came and that OTLP cannot express, so that they are not in the archive. */
const withheld = integer.min(1).optional();

/**
 * What the agent undertakes from here on: the longest time between a sealed block and the checkpoint
 * that covers it, and between entries.
 */
const intervals = z.object({ heartbeat_ms: integer, publish_ms: integer });

/**
 * SHA-256 of the configuration with which the agent runs from here on, without its secrets; left out
 * by a command that opens the archive to record something.
 */
const configHash = sha256Hex.optional();

const genesis = z.object({
  type: z.literal("genesis"),
  v: z.literal(1),
  at,
  origin: z.string(),
  vkey: z.string(),
  /** The verifier key of epoch 0. */
  epoch_vkey: z.string(),
  /** Who can read which zone, until a `recipients` entry says otherwise. */
  zones: z.record(zone, z.object({ recipients: z.array(z.string()) })),
  intervals,
  config: configHash,
  /** The log that this one goes on from, as its checkpoint was then. */
  previous: z.object({ origin: z.string(), vkey: z.string(), size: integer, root }).optional(),
});

const restart = z.object({
  type: z.literal("restart"),
  v: z.literal(1),
  at,
  /** Random id of this run of the agent. */
  run: z.string(),
  /** Entries that were taken from the write-ahead log, beyond the last signed size. */
  replayed: integer,
  /** Bytes of blocks without an entry that were cut from the end of segments. */
  cut: integer,
  intervals,
  config: configHash,
});

/** From here on others read the zone. A zone that is gone is sealed for nobody any more. */
const recipients = z.object({
  type: z.literal("recipients"),
  v: z.literal(1),
  at,
  zone,
  added: z.array(z.string()),
  removed: z.array(z.string()),
});

const block = z.object({
  type: z.literal("block"),
  v: z.literal(1),
  at,
  zone,
  seg: segmentName,
  /** Place of the age file in the segment, in bytes. */
  off: integer,
  len: integer.min(1),
  /** Of the age file. */
  sha256: sha256Hex,
  inner: z.object({ n: integer.min(1), root }),
  /** First and last record number; each zone counts from 0 without gaps. */
  seq: z.tuple([integer, integer]),
  /** Earliest and latest time of its records, in milliseconds, rounded down. */
  t: z.tuple([integer, integer]),
  dropped,
  withheld,
});

const segment = z.object({
  type: z.literal("segment"),
  v: z.literal(1),
  at,
  zone,
  seg: segmentName,
  blocks: integer.min(1),
  bytes: integer.min(1),
  /** Of the whole segment file. */
  sha256: sha256Hex,
  /** SHA-256 of the zone's `SHA256SUMS` after this segment's line was added. */
  sums: sha256Hex,
});

const heartbeat = z.object({
  type: z.literal("heartbeat"),
  v: z.literal(1),
  at,
  dropped,
  withheld,
});

/** The last entry of an epoch. */
const epoch = z.object({
  type: z.literal("epoch"),
  v: z.literal(1),
  at,
  /** Number of the epoch that ends here. */
  epoch: integer,
  /** The verifier key of the next one. */
  next: z.string(),
});

/** One line for people, which stays in the log for ever: no name of a customer belongs in it. */
const words = z
  .string()
  .min(1)
  .max(256)
  .regex(/^\P{C}*$/u);

/** Somebody reads records, or has the value behind a token shown. Recorded before it is shown. */
const access = z.strictObject({
  type: z.literal("access"),
  v: z.literal(1),
  at,
  /** As the command states it: who may speak to the agent can state any name. */
  who: words,
  role: words.optional(),
  action: z.enum(["read", "reveal"]),
  reason: words,
  what: z.union([
    z.strictObject({ token: words }),
    z.strictObject({
      /** Left out: all zones that the identity opens. */
      zone: zone.optional(),
      /** In milliseconds since 1970, as record times; left out: from the first, to the last. */
      since: integer.optional(),
      until: integer.optional(),
    }),
  ]),
  /** Records or values, where the command knows it before. */
  count: integer.optional(),
});

const COUNTED = /^[a-z][a-z0-9_]{0,31}$/;

/** What is known of a person was erased; the certificate itself is kept elsewhere. */
const erase = z.strictObject({
  type: z.literal("erase"),
  v: z.literal(1),
  at,
  /** SHA-256 of the certificate's bytes. */
  certificate: sha256Hex,
  /** How many of which things were erased. */
  counts: z
    .record(z.string().regex(COUNTED), integer)
    .refine((counts) => Object.keys(counts).length <= 16, "has at most 16 counts"),
});

/** Parts of a record that a coarser copy need not have. */
export const DROPPABLE = ["body", "trace"] as const;

export const treatmentSchema = z.object({
  /** Zones of the originals; none when the zone gets no copies any more. */
  from: z.array(zone),
  drop: z.array(z.enum(DROPPABLE)),
  drop_attributes: z.array(z.string()),
  /** Times are rounded down to whole multiples of it; 0 leaves them as they are. */
  time_resolution_ms: integer,
});
export type Treatment = z.infer<typeof treatmentSchema>;

/** From here on the zone gets, beside each record that goes into others, a coarser copy. */
const scrub = z.object({
  type: z.literal("scrub"),
  v: z.literal(1),
  at,
  zone,
  ...treatmentSchema.shape,
});

/** A closed segment is deleted as a whole; its blocks stay in the log. */
const retain = z.object({
  type: z.literal("retain"),
  v: z.literal(1),
  at,
  zone,
  seg: segmentName,
  /** How long its zone keeps blocks after they were sealed. */
  after_ms: integer,
});

/** Segments were copied, with everything that the log had before this entry; checked there. */
const copy = z.object({
  type: z.literal("copy"),
  v: z.literal(1),
  at,
  /** Such as s3://bucket/prefix. */
  to: words,
  /** Of the log whose checkpoint was copied. */
  size: integer,
  segments: integer,
  bytes: integer,
  /** Left out: without a lock. */
  mode: z.enum(["governance", "compliance"]).optional(),
  until: integer.optional(),
});

/** From here on, until it is released, segments with such records are not deleted. */
const hold = z.strictObject({
  type: z.literal("hold"),
  v: z.literal(1),
  at,
  action: z.enum(["add", "release"]),
  /** What the hold is known by. */
  case: words,
  who: words,
  reason: words,
  /** Left out: all zones. */
  zone: zone.optional(),
  /** Times of records, in milliseconds since 1970; left out: from the first, to the last. */
  since: integer.optional(),
  until: integer.optional(),
});

/** Whose orders to erase records count, from here on. */
const authorities = z.object({
  type: z.literal("authorities"),
  v: z.literal(1),
  at,
  added: z.array(z.string()),
  removed: z.array(z.string()),
});

/** Ranges of records that one entry erases. */
export const REMOVED_RANGES_MAX = 50;

/** Records of a sealed block are erased; another file stands in its place. */
const redact = z.strictObject({
  type: z.literal("redact"),
  v: z.literal(1),
  at,
  zone,
  seg: segmentName,
  /** Index of the block's entry. */
  block: integer,
  /** Numbers of the zone's records that are gone from the block, beside those that were before. */
  removed: z
    .array(z.tuple([integer, integer]))
    .min(1)
    .max(REMOVED_RANGES_MAX),
  /** Of the file that replaces the block. */
  len: integer.min(1),
  sha256: sha256Hex,
  /** The authority's order, a signed note. */
  order: z.string().max(ORDER_LENGTH_MAX),
  /** Numbers of chains that are gone with the records. */
  dropped,
});

const known = z.discriminatedUnion("type", [
  genesis,
  restart,
  recipients,
  block,
  segment,
  heartbeat,
  epoch,
  access,
  erase,
  retain,
  copy,
  hold,
  scrub,
  authorities,
  redact,
]);

/** What a command may have recorded, without the time and the version: the writer sets them. */
export const requestSchema = z.discriminatedUnion("type", [
  access.omit({ v: true, at: true }),
  erase.omit({ v: true, at: true }),
  hold.omit({ v: true, at: true }),
  redact.omit({ v: true, at: true }),
]);
export type EntryRequest = z.infer<typeof requestSchema>;

export type DroppedRange = z.infer<typeof droppedRange>;
export type BlockEntry = z.infer<typeof block>;
export type SegmentEntry = z.infer<typeof segment>;
export type RetainEntry = z.infer<typeof retain>;
export type CopyEntry = z.infer<typeof copy>;
export type RedactEntry = z.infer<typeof redact>;
export type HoldEntry = z.infer<typeof hold>;
export type GenesisEntry = z.infer<typeof genesis>;
export type PreviousLog = NonNullable<GenesisEntry["previous"]>;
export type Entry = z.infer<typeof known>;
const STATEMENTS = [
  "recipients",
  "authorities",
  "access",
  "erase",
  "hold",
  "scrub",
  "redact",
] as const;
/** An entry that a person caused, not the flow of records. */
export type StatementEntry = Extract<Entry, { type: (typeof STATEMENTS)[number] }>;

export function isStatement(entry: Entry): entry is StatementEntry {
  return (STATEMENTS as readonly string[]).includes(entry.type);
}

export function encodeEntry(entry: Entry): Buffer {
  // Fields that are undefined do not exist; the types of zod name them all the same.
  const defined = JSON.parse(JSON.stringify(entry)) as CanonicalValue;
  const bytes = Buffer.from(canonicalJson(defined));
  if (bytes.length > ENTRY_SIZE_BYTES_MAX) {
    throw new RangeError(`an entry of ${bytes.length} bytes is above the limit`);
  }
  return bytes;
}

export type ParsedEntry =
  | Entry
  /** Of a kind, or a version of a kind, that this program does not know. */
  | { readonly type: "unknown" }
  | { readonly type: "malformed"; readonly reason: string };

export function parseEntry(bytes: Uint8Array): ParsedEntry {
  const text = Buffer.from(bytes).toString("utf8");
  const value = parseCanonicalJson(text);
  if (value === undefined || Buffer.from(text).compare(bytes) !== 0) {
    return { type: "malformed", reason: "it is not canonical JSON" };
  }
  const parsed = known.safeParse(value);
  if (parsed.success) return parsed.data;
  const kind = z.object({ type: z.string(), v: integer }).safeParse(value);
  if (!kind.success) return { type: "malformed", reason: "it has no type and version" };
  const isKnown = known.options.some((option) => option.shape.type.value === kind.data.type);
  if (!isKnown || kind.data.v !== 1) return { type: "unknown" };
  const field = parsed.error.issues[0]?.path.join(".") ?? "";
  return { type: "malformed", reason: `its field '${field}' is missing or not valid` };
}
