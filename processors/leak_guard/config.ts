/** What a user writes for `leak_guard`. */
import { z } from "zod";
import { durationMs } from "../../config/values.ts";

const allowSchema = z.strictObject({
  values: z.array(z.string().min(1)).default([]).describe("exactly these texts"),
  cidrs: z
    .array(z.string())
    .default(["127.0.0.0/8"])
    .describe("addresses in these networks; the default is the machine's own"),
});

export const configSchema = z.strictObject({
  entities: z
    .array(z.string())
    .min(1)
    .default(["default"])
    .describe(
      "`default` for all, names of entities, and `-name` to leave one out: those that the pipeline " +
        "keeps or replaces by something of the same form",
    ),
  min_score: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("findings that are less certain do not count"),
  allow: allowSchema.prefault({}).describe("what may leave"),
  on_finding: z
    .enum(["block", "redact"])
    .default("block")
    .describe("the record is withheld, or goes on with `[REDACTED:<entity>]` in it"),
  resource: z
    .boolean()
    .default(true)
    .describe("look into the attributes of resources and scopes, too"),
  alert_duration: durationMs
    .refine((ms) => ms >= 1000, "must be at least 1s")
    .prefault("10m")
    .describe("how long the health stays `degraded` after the last leak"),
  max_depth: z.int().min(1).max(1000).default(64).describe("nesting; deeper is withheld"),
});

export type Config = z.infer<typeof configSchema>;

/** The options of the detector that the configuration asks for. */
export function detectorOptions({ entities, min_score, allow }: Config): {
  readonly entities: readonly string[];
  readonly minScore: number;
  readonly allowedValues: readonly string[];
  readonly allowedNetworks: readonly string[];
} {
  return {
    entities,
    minScore: min_score,
    allowedValues: allow.values,
    allowedNetworks: allow.cidrs,
  };
}
