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

const heartbeat = z.object({ type: z.literal("heartbeat"), v: z.literal(1), at, dropped });

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
]);

/** What a command may have recorded, without the time and the version: the writer sets them. */
export const requestSchema = z.discriminatedUnion("type", [
  access.omit({ v: true, at: true }),
  erase.omit({ v: true, at: true }),
]);
export type EntryRequest = z.infer<typeof requestSchema>;

export type DroppedRange = z.infer<typeof droppedRange>;
export type BlockEntry = z.infer<typeof block>;
export type SegmentEntry = z.infer<typeof segment>;
export type GenesisEntry = z.infer<typeof genesis>;
export type Entry = z.infer<typeof known>;
const STATEMENTS = ["recipients", "access", "erase"] as const;
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
