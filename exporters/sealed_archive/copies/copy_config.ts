/** What a user can say about copies of the archive in object storage. */
import { z } from "zod";
import { durationMs, longDurationMs } from "../../../config/values.ts";

const INTERVAL_MS_MIN = 1000;
const DAY_MS = 86_400_000;

const lock = z.strictObject({
  mode: z
    .enum(["governance", "compliance"])
    .default("governance")
    .describe(
      "`governance`: a right of its own can lift the lock. `compliance`: nobody can, until it ends.",
    ),
  retain: longDurationMs
    .refine((ms) => ms > 0, "must be longer than 0s")
    .describe("How long each object is locked after it was copied: `90d`."),
  legal_hold: z
    .boolean()
    .default(false)
    .describe("Also put a legal hold, without an end, on each object."),
});

export const copyConfig = z.strictObject({
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "is no name of a bucket")
    .describe("Bucket for the copy; for locks it was made with Object Lock."),
  prefix: z
    .string()
    .regex(/^\w[\w.-]*(?:\/\w[\w.-]*)*$/, "is like a relative path: hosts/host1")
    .max(512)
    .optional()
    .describe("Where in the bucket; without it, the archive's origin."),
  region: z
    .string()
    .min(1)
    .optional()
    .describe("Without it, as the environment of AWS tools says."),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Address of another S3 server than that of AWS; buckets are then in the path."),
  interval: durationMs
    .refine((ms) => ms >= INTERVAL_MS_MIN && ms <= DAY_MS, "must be from 1s to 24h")
    .prefault("10m")
    .describe("How often what is new is copied."),
  lock: lock.optional().describe("Object Lock for every copied object; without it, none."),
});

export type CopyConfig = z.infer<typeof copyConfig>;
