/** What a user writes for `canary`. */
import { z } from "zod";
import { durationMs } from "../../config/values.ts";
import { CANARY_KINDS } from "../../src/lib/canary_values.ts";

const atLeastSecond = durationMs.refine((ms) => ms >= 1000, "must be at least 1s");

export const configSchema = z.strictObject({
  interval: atLeastSecond.prefault("1m").describe("time between two rounds of canaries"),
  overdue_after: atLeastSecond
    .prefault("30s")
    .describe("a canary that no guard has seen so long after it was sent is an alert"),
  kinds: z
    .array(z.enum(CANARY_KINDS))
    .min(1)
    .default([...CANARY_KINDS])
    .describe("values that are sent; leave out what the pipelines keep or drop on purpose"),
});

export type Config = z.infer<typeof configSchema>;
