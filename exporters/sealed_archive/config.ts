/** What a user can say about `sealed_archive`. */
import { z } from "zod";
import { ageRecipient, byteSize, durationMs, longDurationMs } from "../../config/values.ts";
import { severityNumberOf } from "../../src/data/severity.ts";
import { copyConfig } from "./copies/copy_config.ts";
import { DROPPABLE, ZONE_NAME } from "./format/entry.ts";
import { isKeyName, isVerifierKey } from "./format/note.ts";

/** The zone of records that name no other. */
export const DEFAULT_ZONE = "default";

const RECIPIENTS_MAX = 16;
const AUTHORITIES_MAX = 8;
const ROUTES_MAX = 100;
const SCRUB_LENGTH_MAX = 3000;
/** One entry of the log names all zones and recipients, and it must stay below 4 KiB. */
const ZONES_MAX = 12;
const RECIPIENTS_OF_ALL_ZONES_MAX = 24;
const ORIGIN_LENGTH_MAX = 255;
const MIB = 1024 * 1024;
/** The largest object that one request can put. */
const OBJECT_BYTES_MAX = 5 * 1024 * MIB;

const positiveDuration = durationMs.refine((ms) => ms > 0, "must be longer than 0s");

const origin = z
  .string()
  .max(ORIGIN_LENGTH_MAX)
  .refine(isKeyName, "must not be empty and must have no spaces, control characters or '+'")
  .refine(
    (text) => !text.includes("://"),
    "is a URL without its scheme, such as example.com/host1",
  );

const recipients = z.array(ageRecipient).min(1).max(RECIPIENTS_MAX);

const blockRecords = z.int().min(1).max(65_536);
const blockBytes = byteSize.refine(
  (bytes) => bytes >= 1024 && bytes <= 64 * MIB,
  "must be from 1KiB to 64MiB",
);
const blockDelay = positiveDuration.refine((ms) => ms <= 60_000, "must be at most 1m");
const segmentBytes = byteSize.refine((bytes) => bytes >= 64 * 1024, "must be at least 64KiB");
const segmentRotate = positiveDuration.refine((ms) => ms >= 60_000, "must be at least 1m");

const zoneName = z
  .string()
  .regex(ZONE_NAME, "is 1 to 32 of a-z, 0-9, _ and -, and begins with a letter or a digit");

const retention = longDurationMs.refine((ms) => ms > 0, "must be longer than 0s");

const scrub = z.strictObject({
  from: z.array(zoneName).min(1).describe("Zones of the originals."),
  drop: z
    .array(z.enum(DROPPABLE))
    .default([])
    .describe("Parts that the copies do not have: `body`, `trace` (the ids of trace and span)."),
  drop_attributes: z
    .array(z.string().min(1))
    .default([])
    .describe("Attributes, of the record and its resource, that the copies do not have."),
  time_resolution: durationMs
    .prefault("0s")
    .describe("Times of the copies are rounded down to whole multiples of this."),
});

const zone = z.strictObject({
  recipients: recipients.describe("age public keys of those who can read this zone's records."),
  block: z
    .strictObject({
      max_records: blockRecords.optional().describe("As `block.max_records`, for this zone."),
      max_bytes: blockBytes.optional().describe("As `block.max_bytes`, for this zone."),
      max_delay: blockDelay.optional().describe("As `block.max_delay`, for this zone."),
    })
    .prefault({})
    .describe("Where this zone's blocks are closed otherwise."),
  segment: z
    .strictObject({
      max_bytes: segmentBytes.optional().describe("As `segment.max_bytes`, for this zone."),
      rotate: segmentRotate.optional().describe("As `segment.rotate`, for this zone."),
    })
    .prefault({})
    .describe("Where this zone's segments are closed otherwise."),
  retention: retention.optional().describe("As `retention`, for this zone."),
  scrub: scrub.optional().describe("Gets coarser copies of what goes into others, and that only."),
});

const route = z
  .strictObject({
    zone: zoneName.describe("Where records go that meet all conditions of this rule."),
    pipelines: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("They come from one of these pipelines, such as `logs/payments`."),
    attributes: z
      .record(z.string().min(1), z.array(z.string()).min(1))
      .optional()
      .describe("Each of these attributes, of the record or its resource, has one of its texts."),
    min_severity: z
      .union([z.string(), z.int()])
      .refine((value) => severityNumberOf(value) !== undefined, {
        error: "expected a severity such as INFO, WARN2 or a number from 1 to 24",
      })
      .optional()
      .describe("They have at least this severity."),
  })
  .refine(({ pipelines, attributes, min_severity }) => {
    return pipelines !== undefined || attributes !== undefined || min_severity !== undefined;
  }, "needs at least one of pipelines, attributes and min_severity");

const block = z.strictObject({
  max_records: blockRecords.default(2048).describe("Records in one block at most."),
  max_bytes: blockBytes
    .prefault("1MiB")
    .describe("A block closes when its records, encoded, are this long together."),
  max_delay: blockDelay
    .prefault("200ms")
    .describe("A block closes this long after its first record. Records wait for it."),
});

const segment = z.strictObject({
  max_bytes: segmentBytes
    .prefault("128MiB")
    .describe("A segment file closes before it grows beyond this."),
  rotate: segmentRotate
    .prefault("24h")
    .describe("A segment closes at the end of each such interval of UTC, counted from 1970."),
});

const fields = z.strictObject({
  directory: z.string().min(1).describe("Folder of the archive. It is made when it is missing."),
  origin: origin.describe(
    "Name of this log for ever, like a URL without its scheme: example.com/host1.",
  ),
  continues: z
    .string()
    .min(1)
    .optional()
    .describe("Folder of the archive before this one; its last checkpoint goes into this log."),
  recipients: recipients
    .optional()
    .describe("age public keys (age1...) of those who can read the zone `default`."),
  zones: z
    .record(zoneName, zone)
    .optional()
    .describe("Further zones by name: a folder of blocks each, with readers of its own."),
  zone_attribute: z
    .string()
    .min(1)
    .default("audit.zone")
    .describe("Record attribute that names the zone; without a known name it is `default`."),
  routes: z
    .array(route)
    .max(ROUTES_MAX)
    .default([])
    .describe("Rules that choose a record's zone, the first that fits; before `zone_attribute`."),
  signing_key_file: z
    .string()
    .min(1)
    .optional()
    .describe("The log's signing key. Without it, `log.key` in the state directory, made once."),
  block: block.prefault({}).describe("When a block of records is closed."),
  segment: segment.prefault({}).describe("When a file of blocks is closed."),
  retention: retention
    .optional()
    .describe(
      "A closed segment is deleted this long after its newest block; without it, never. `90d`.",
    ),
  copy: copyConfig
    .optional()
    .describe("Copies what is closed and signed to object storage (S3), for those who keep it."),
  redaction_authorities: z
    .array(z.string().refine(isVerifierKey, "is no verifier key (see 'vouchsafe keys show')"))
    .max(AUTHORITIES_MAX)
    .default([])
    .describe("Public keys of those whose signed orders to erase single records count."),
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
  epoch_interval: positiveDuration
    .prefault("5m")
    .describe("How often the archive changes to a fresh epoch key and destroys the one before."),
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

export const configSchema = fields.superRefine((config, context) => {
  const problem = (path: (string | number)[], message: string): void => {
    context.addIssue({ code: "custom", path, message });
  };
  const zones = [...recipientsByZone(config).values()];
  const originals = originalZones(config);
  if (config.recipients === undefined && config.zones?.[DEFAULT_ZONE] === undefined) {
    problem(
      ["recipients"],
      "is required, or a zone named 'default', for records that name no zone",
    );
  } else if (config.recipients !== undefined && config.zones?.[DEFAULT_ZONE] !== undefined) {
    problem(
      ["zones", DEFAULT_ZONE],
      "has its recipients in 'recipients' already; give one of both",
    );
  }
  if (zones.length > ZONES_MAX) problem(["zones"], `there are at most ${ZONES_MAX} zones`);
  if (zones.flat().length > RECIPIENTS_OF_ALL_ZONES_MAX) {
    const message = `all zones together have at most ${RECIPIENTS_OF_ALL_ZONES_MAX} recipients`;
    problem(["zones"], message);
  }
  const segmentMax = Math.max(
    config.segment.max_bytes,
    ...Object.values(config.zones ?? {}).map(({ segment: own }) => own?.max_bytes ?? 0),
  );
  if (config.copy !== undefined && segmentMax > OBJECT_BYTES_MAX) {
    problem(["copy"], "segments must be at most 5GiB (segment.max_bytes): one object each");
  }
  for (const [name, { scrub: own }] of Object.entries(config.zones ?? {})) {
    if (own === undefined) continue;
    const path = ["zones", name, "scrub"];
    if (name === DEFAULT_ZONE) problem(path, "the zone 'default' takes what no other takes");
    for (const from of own.from.filter((zone) => !originals.has(zone))) {
      problem(path, `there is no zone '${from}' of originals`);
    }
    if (JSON.stringify(own).length > SCRUB_LENGTH_MAX) {
      problem(path, "is too long for one entry of the log");
    }
  }
  for (const [index, { zone: name }] of config.routes.entries()) {
    if (originals.has(name)) continue;
    problem(["routes", index, "zone"], `there is no zone '${name}' of originals`);
  }
});

export type SealedArchiveConfig = z.infer<typeof configSchema>;

/** The zones into which records go as they are. */
export function originalZones(
  config: Pick<SealedArchiveConfig, "recipients" | "zones">,
): Set<string> {
  const names = [...recipientsByZone(config).keys()];
  return new Set(names.filter((name) => config.zones?.[name]?.scrub === undefined));
}

/** Who can read which zone, each once. */
export function recipientsByZone(
  config: Pick<SealedArchiveConfig, "recipients" | "zones">,
): Map<string, readonly string[]> {
  const zones = Object.entries(config.zones ?? {}).map(
    ([name, { recipients: readers }]): [string, readonly string[]] => [name, readers],
  );
  if (config.recipients !== undefined) zones.unshift([DEFAULT_ZONE, config.recipients]);
  return new Map(zones.map(([name, readers]) => [name, [...new Set(readers)]]));
}
