/** What a user writes for `minimize`. */
import { z } from "zod";
import { byteSize } from "../../config/values.ts";

const BODY_BYTES_MIN = 16;

const patterns = z.array(z.string().min(1).max(256)).max(1000);

const listsShape = {
  allow: patterns
    .optional()
    .describe("known fields; all others are unknown. Everything is known when left out"),
  deny: patterns.default([]).describe("fields that are dropped, also below an allowed one"),
};
const listsSchema = z.strictObject(listsShape);

export type ListsConfig = z.infer<typeof listsSchema>;

const querySchema = z.strictObject({
  scrub: z
    .enum(["values", "all"])
    .default("values")
    .describe("`values` become `REDACTED` and names stay, or `all` of a parameter goes"),
  keep: z.array(z.string().min(1)).default([]).describe("parameters that stay, such as `page`"),
  queries: patterns
    .default(["url.query"])
    .describe("attributes that hold a query without its `?`; `*` stands for any characters"),
  urls: patterns
    .default(["url.full", "url.original", "http.url", "http.target", "http.request.header.referer"])
    .describe("attributes that hold a URL or a request target"),
  body: z.boolean().default(true).describe("look for URLs in the texts of the body"),
});

export type QueryConfig = z.infer<typeof querySchema>;

export const configSchema = z
  .strictObject({
    attributes: listsSchema.prefault({}).describe("of records; `*` stands for any characters"),
    resource_attributes: listsSchema.prefault({}).describe("of resources"),
    scope_attributes: listsSchema.prefault({}).describe("of instrumentation scopes"),
    body: z
      .strictObject({
        ...listsShape,
        drop: z.boolean().default(false).describe("drop every body"),
        max_bytes: byteSize
          .refine((bytes) => bytes >= BODY_BYTES_MIN, `must be at least ${BODY_BYTES_MIN}`)
          .optional()
          .describe("cut bodies to this many bytes of UTF-8; no limit when left out"),
      })
      .prefault({})
      .describe("`allow` and `deny` are for the keys of bodies that are maps"),
    query_parameters: querySchema
      .optional()
      .describe("scrub the query parameters of URLs; they stay when left out"),
    unknown_fields: z
      .enum(["pass", "hash", "drop", "report"])
      .optional()
      .describe(
        "what happens to fields outside an `allow`: `drop` (when left out), `hash`, `report` (log " +
          "once, and pass on) or `pass`; `drop` and `hash` are logged once too",
      ),
    hash_key_file: z
      .string()
      .min(1)
      .optional()
      .describe("file (0600) of at least 32 bytes, the key of `unknown_fields: hash`"),
    max_reported_fields: z
      .int()
      .min(0)
      .max(100_000)
      .default(500)
      .describe("new fields that are logged after a start; later ones are only counted"),
    max_depth: z.int().min(1).max(1000).default(64).describe("nesting; deeper is withheld"),
  })
  .superRefine((config, context) => {
    const issue = (key: string, message: string): void => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    const sections = [
      config.attributes,
      config.resource_attributes,
      config.scope_attributes,
      config.body,
    ];
    const hasAllow = sections.some(({ allow }) => allow !== undefined);
    if (config.unknown_fields !== undefined && !hasAllow) {
      issue("unknown_fields", "no field is unknown without a list of known ones: write an allow");
    }
    if (config.unknown_fields === "hash" && config.hash_key_file === undefined) {
      issue("unknown_fields", "hash needs a key: set hash_key_file");
    }
    if (config.unknown_fields !== "hash" && config.hash_key_file !== undefined) {
      issue("hash_key_file", "nothing is hashed: remove it, or set unknown_fields to hash");
    }
  });

export type Config = z.infer<typeof configSchema>;
