/** What a user can say about `sealed_archive`. */
import { z } from "zod";
import { byteSize, durationMs } from "../../config/values.ts";
import { parseAgeRecipient } from "./format/age_file.ts";
import { isKeyName } from "./format/note.ts";

const RECIPIENTS_MAX = 16;
const ORIGIN_LENGTH_MAX = 255;
const MIB = 1024 * 1024;

const positiveDuration = durationMs.refine((ms) => ms > 0, "must be longer than 0s");

const origin = z
  .string()
  .max(ORIGIN_LENGTH_MAX)
  .refine(isKeyName, "must not be empty and must have no spaces, control characters or '+'")
  .refine(
    (text) => !text.includes("://"),
    "is a URL without its scheme, such as example.com/host1",
  );

const recipient = z
  .string()
  .refine(
    (text) => parseAgeRecipient(text) !== undefined,
    "is no age recipient (age1..., made by 'vouchsafe keys generate identity' or 'age-keygen')",
  );

const block = z.strictObject({
  max_records: z.int().min(1).max(65_536).default(2048).describe("Records in one block at most."),
  max_bytes: byteSize
    .refine((bytes) => bytes >= 1024 && bytes <= 64 * MIB, "must be from 1KiB to 64MiB")
    .prefault("1MiB")
    .describe("A block closes when its records, encoded, are this long together."),
  max_delay: positiveDuration
    .refine((ms) => ms <= 60_000, "must be at most 1m")
    .prefault("200ms")
    .describe("A block closes this long after its first record. Records wait for it."),
});

const segment = z.strictObject({
  max_bytes: byteSize
    .refine((bytes) => bytes >= 64 * 1024, "must be at least 64KiB")
    .prefault("128MiB")
    .describe("A segment file closes before it grows beyond this."),
  rotate: positiveDuration
    .refine((ms) => ms >= 60_000, "must be at least 1m")
    .prefault("24h")
    .describe("A segment closes at the end of each such interval of UTC, counted from 1970."),
});

export const configSchema = z.strictObject({
  directory: z.string().min(1).describe("Folder of the archive. It is made when it is missing."),
  origin: origin.describe(
    "Name of this log for ever, like a URL without its scheme: example.com/host1.",
  ),
  recipients: z
    .array(recipient)
    .min(1)
    .max(RECIPIENTS_MAX)
    .describe("age public keys (age1...) of those who can read the records."),
  signing_key_file: z
    .string()
    .min(1)
    .optional()
    .describe("The log's signing key. Without it, `log.key` in the state directory, made once."),
  block: block.prefault({}).describe("When a block of records is closed."),
  segment: segment.prefault({}).describe("When a file of blocks is closed."),
  group_commit: durationMs
    .refine((ms) => ms <= 1000, "must be at most 1s")
    .prefault("20ms")
    .describe("Shortest time between two writes to disk; blocks in between are written together."),
  publish_interval: positiveDuration
    .refine((ms) => ms <= 60_000, "must be at most 1m")
    .prefault("1s")
    .describe("How often a signed checkpoint is published while there are new entries."),
  heartbeat_interval: positiveDuration
    .prefault("5m")
    .describe("Longest silence: without records an entry says that the agent is alive."),
  max_pending_bytes: byteSize
    .refine((bytes) => bytes >= MIB, "must be at least 1MiB")
    .prefault("64MiB")
    .describe("Encoded records that may wait for the disk; beyond it callers wait."),
  max_sources: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(200_000)
    .describe("Sources whose high-water mark is kept for exactly-once sealing."),
});

export type SealedArchiveConfig = z.infer<typeof configSchema>;
