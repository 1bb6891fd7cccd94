/** What a user writes for `consent`. */
import { extname } from "node:path";
import { z } from "zod";
import { byteSize, durationMs } from "../../config/values.ts";
import { compilePatterns } from "../../src/lib/name_pattern.ts";

const PURPOSE = /^[A-Za-z0-9][\w.:/-]{0,63}$/;
const RELOAD_MS_MIN = 1000;
const DAY_MS = 86_400_000;

const patterns = z.array(z.string().min(1).max(256)).max(1000);

/** By the end of the file's name. */
const FORMATS: Readonly<Record<string, Format>> = {
  csv: "csv",
  json: "json",
  jsonl: "json",
  ndjson: "json",
  yaml: "yaml",
  yml: "yaml",
  db: "sqlite",
  sqlite: "sqlite",
  sqlite3: "sqlite",
};

const registrySchema = z.strictObject({
  path: z.string().min(1).describe("file of consents; replace it by a rename, never write into it"),
  format: z
    .enum(["auto", "csv", "json", "yaml", "sqlite"])
    .default("auto")
    .describe("`auto` goes by the end of the name: csv, json, jsonl, yaml, yml, db, sqlite"),
  table: z
    .string()
    .regex(/^[A-Za-z_]\w{0,62}$/, "is a letter and up to 62 letters, digits and _")
    .default("consent")
    .describe("table of a SQLite file"),
  reload_interval: durationMs
    .refine((ms) => ms >= RELOAD_MS_MIN, "must be at least 1s")
    .prefault("10s")
    .describe("how often it is looked whether the file is another one"),
  max_size: byteSize.prefault("64MiB").describe("a larger file counts as unreadable"),
  max_entries: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100_000)
    .describe("a file with more entries counts as unreadable"),
});

export type RegistryConfig = z.infer<typeof registrySchema>;
type Format = Exclude<RegistryConfig["format"], "auto">;

/** Undefined when `auto` cannot tell by the name. */
export function formatOf({ path, format }: RegistryConfig): Format | undefined {
  if (format !== "auto") return format;
  return FORMATS[extname(path).slice(1).toLowerCase()];
}

const unlinkableSchema = z.strictObject({
  attributes: patterns.default([]).describe("attributes that stay; `*` stands for any characters"),
  resource_attributes: patterns.default([]).describe("resource attributes that stay"),
  body: z.boolean().default(false).describe("the body stays; only where it says nothing of people"),
  time_precision: durationMs
    .refine((ms) => ms <= DAY_MS, "must be at most 24h")
    .prefault("1m")
    .describe("times are rounded down to this; 0 leaves them exact"),
});

export type UnlinkableConfig = z.infer<typeof unlinkableSchema>;

export const configSchema = z
  .strictObject({
    purposes: z
      .array(z.string().regex(PURPOSE, "use 1 to 64 letters, digits and . _ : / -"))
      .min(1)
      .max(16)
      .describe("what this pipeline is for; a subject must have consented to all of them"),
    subject_attribute: z
      .string()
      .min(1)
      .describe("attribute of the record, or else of its resource, that says whom it is about"),
    consent_attribute: z
      .string()
      .min(1)
      .optional()
      .describe(
        "attribute of the record that names the purposes consented to: a list, a text with commas " +
          "or spaces between them, or a map from purpose to true",
      ),
    registry: registrySchema.optional().describe("consents in a file; instead of the attribute"),
    no_consent: z
      .enum(["drop", "strip"])
      .default("drop")
      .describe("without consent the record is withheld, or only its `unlinkable` part goes on"),
    without_subject: z
      .enum(["refuse", "pass"])
      .default("refuse")
      .describe("a record that names no subject counts as one without consent, or passes whole"),
    unlinkable: unlinkableSchema
      .prefault({})
      .describe("what `strip` leaves of a record, beside its severity"),
    record_changes: z
      .boolean()
      .default(true)
      .describe("each change of the registry becomes a record of its own in this pipeline"),
    hash_key_file: z
      .string()
      .min(1)
      .optional()
      .describe(
        "file (0600) of at least 32 bytes, the key that hides subjects in these records; when left " +
          "out, one is made in the state directory",
      ),
  })
  .superRefine((config, context) => {
    const issue = (key: string, message: string): void => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    const { consent_attribute, registry, unlinkable } = config;
    if ((consent_attribute === undefined) === (registry === undefined)) {
      issue("purposes", "say where consent is written: either consent_attribute or registry");
    }
    if (registry !== undefined && formatOf(registry) === undefined) {
      issue("registry", "cannot tell the format by the name of the file: set format");
    }
    const kept = [...unlinkable.attributes, ...unlinkable.resource_attributes];
    if ((kept.length > 0 || unlinkable.body) && config.no_consent !== "strip") {
      issue("unlinkable", "nothing is stripped: remove it, or set no_consent to strip");
    }
    if (compilePatterns(kept)(config.subject_attribute)) {
      issue("unlinkable", "it would keep the subject_attribute, which is what links");
    }
    if (config.hash_key_file !== undefined && (registry === undefined || !config.record_changes)) {
      issue("hash_key_file", "there are no records of changes: remove it");
    }
  });

export type Config = z.infer<typeof configSchema>;
