/** What a user writes for `pii_detect`. */
import { z } from "zod";
import { ageRecipient, byteSize } from "../../config/values.ts";
import { parseCidr } from "./allow_list.ts";
import { ENCODINGS } from "./encoded_text.ts";
import { REGIONS } from "./entities/entity.ts";
import { entityTable } from "./entities/entity_table.ts";
import { linearRegExp } from "./user_rules.ts";

const ENTITY_NAME = /^[a-z][a-z0-9_]{0,47}$/;
/** A replacement that a second detector does not take apart. */
const REPLACEMENT = /^[\w.*#[\]:-]{1,64}$/;

const knownNames = entityTable.map((entity) => entity.name);

const length = z.int().min(0).max(64);

/** A coarser network still hides one house; finer ones could be mistaken for an address. */
const prefix = (longest: number): z.ZodInt => z.int().min(0).max(longest);

const generalizeSchema = z
  .strictObject({
    action: z.literal("generalize"),
    to: z
      .enum(["network", "band", "year", "month", "day", "hour"])
      .describe("network of an address, band of a number, or so much of a date"),
    ipv4_prefix: prefix(24).optional().describe("to network: bits that stay; 24 when left out"),
    ipv6_prefix: prefix(64).optional().describe("to network: bits that stay; 48 when left out"),
    width: z
      .int()
      .min(2)
      .max(1_000_000_000)
      .optional()
      .describe("to band: how many numbers are in one; the bands begin at 0"),
  })
  .superRefine(({ to, ipv4_prefix, ipv6_prefix, width }, context) => {
    const complain = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (to === "band" && width === undefined) complain(["width"], "is required for a band");
    if (to !== "band" && width !== undefined) complain(["width"], "belongs to `to: band`");
    const prefixes = { ipv4_prefix, ipv6_prefix };
    for (const [key, length] of Object.entries(prefixes)) {
      if (to !== "network" && length !== undefined) complain([key], "belongs to `to: network`");
    }
  });

export type GeneralizeConfig = z.infer<typeof generalizeSchema>;

const treatmentSchema = z
  .discriminatedUnion("action", [
    z.strictObject({ action: z.literal("keep") }).describe("not looked for at all"),
    z.strictObject({
      action: z.literal("redact"),
      text: z
        .string()
        .regex(REPLACEMENT, "use 1 to 64 letters, digits and . _ - * # : [ ]")
        .optional()
        .describe("what stands there instead; `[REDACTED:<entity>]` when left out"),
    }),
    z.strictObject({
      action: z.literal("mask"),
      keep_first: length.default(0).describe("characters that stay at the front"),
      keep_last: length.default(0).describe("characters that stay at the end"),
    }),
    z.strictObject({
      action: z.literal("hash"),
      algorithm: z
        .enum(["hmac_sha256", "sha256"])
        .default("hmac_sha256")
        .describe("a plain sha256 of an address or a number is undone by trying them all"),
    }),
    z.strictObject({
      action: z.literal("encrypt"),
      recipients: z
        .array(ageRecipient)
        .min(1)
        .max(16)
        .describe("roles of `service.roles`, or age public keys, of those who can read it"),
    }),
    generalizeSchema.describe("made coarser; what cannot be understood is redacted"),
    z.strictObject({ action: z.literal("tokenize") }).describe("left to a `tokenize` behind"),
    z.strictObject({ action: z.literal("drop_field") }).describe("the attribute or body goes"),
    z.strictObject({ action: z.literal("drop_record") }).describe("the record is withheld"),
  ])
  .describe("what happens to a finding");

export type TreatmentConfig = z.infer<typeof treatmentSchema>;

const pattern = z
  .string()
  .min(1)
  .max(4096)
  .superRefine((text, context) => {
    try {
      linearRegExp(text);
    } catch {
      context.addIssue({
        code: "custom",
        message:
          "not a regular expression that runs in linear time: no look-ahead, no back-references, " +
          "no flags, no long counted repetitions",
      });
    }
  });

const ruleSchema = z.strictObject({
  entity: z
    .string()
    .regex(ENTITY_NAME, "use a-z, 0-9 and _, beginning with a letter, at most 48 characters")
    .describe("name of what it finds"),
  pattern: pattern.describe("JavaScript regular expression, executable in linear time"),
  literal: z.string().min(1).optional().describe("text that a value must contain to be searched"),
  validator: z.enum(["luhn", "mod97"]).optional().describe("check sum over letters and digits"),
  context: z
    .array(z.string().min(1).toLowerCase())
    .min(1)
    .optional()
    .describe("one of these words must stand within 48 characters or in the attribute's name"),
  score: z.number().min(0).max(1).default(0.8).describe("how certain a match is"),
});

export type Rule = z.infer<typeof ruleSchema>;

const allowSchema = z.strictObject({
  values: z.array(z.string().min(1)).default([]).describe("exactly these texts"),
  patterns: z.array(pattern).default([]).describe("texts that match one of these as a whole"),
  cidrs: z
    .array(
      z.string().refine((text) => parseCidr(text) !== undefined, {
        error: "expected a network such as 10.0.0.0/8 or 2001:db8::/32",
      }),
    )
    .default(["127.0.0.0/8"])
    .describe("addresses in these networks; the default is the machine's own"),
  domains: z
    .array(z.string().min(1))
    .default([])
    .describe("e-mail addresses at these domains and those below them"),
});

export type AllowConfig = z.infer<typeof allowSchema>;

const attributesSchema = z.strictObject({
  include: z.array(z.string()).optional().describe("only these attributes; all when left out"),
  exclude: z.array(z.string()).default([]).describe("not these attributes"),
});

export const configSchema = z
  .strictObject({
    entities: z
      .array(z.string())
      .min(1)
      .default(["default"])
      .describe("`default`, names of entities to add to it, and `-name` to leave one out"),
    regions: z
      .array(z.enum(["all", ...REGIONS]))
      .default(["all"])
      .describe(
        "countries whose identifiers and national phone numbers are looked for (ISO 3166, `uk` for " +
          "Britain); fewer give fewer false findings",
      ),
    names: z
      .enum(["off", "precise", "balanced", "recall"])
      .default("balanced")
      .describe(
        "how readily the model takes words for names: `precise` for logs, `recall` for texts that " +
          "people write; `off` leaves names to the fields that are called so",
      ),
    treatments: z
      .record(z.string(), treatmentSchema)
      .default({})
      .describe(
        "action by entity. Left out: secrets are redacted, the others are tokenized when a " +
          "`tokenize` stands behind, else redacted",
      ),
    min_score: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe("findings that are less certain are not made"),
    rules: z.array(ruleSchema).default([]).describe("entities of your own"),
    allow: allowSchema.prefault({}).describe("findings to leave alone"),
    body: z.boolean().default(true).describe("look into the body"),
    attributes: attributesSchema.prefault({}).describe("which attributes to look into"),
    resource: z
      .boolean()
      .default(false)
      .describe("look into resource attributes; there `tokenize` means redact"),
    decode: z
      .array(z.enum(ENCODINGS))
      .default([])
      .describe(
        "look under these encodings, too; a part with a finding stands decoded afterwards. " +
          "`percent` is that of URLs",
      ),
    hash_key_file: z
      .string()
      .optional()
      .describe("file (0600) of at least 32 bytes, the key of `hmac_sha256`"),
    summary: z
      .enum(["silent", "info", "debug"])
      .default("silent")
      .describe(
        "attributes about what was treated: none, `redaction.masked.count`, or also " +
          "`redaction.masked.keys`",
      ),
    on_error: z
      .enum(["drop", "redact"])
      .default("drop")
      .describe("a record that cannot be treated is withheld, or emptied and sent on"),
    max_value_size: byteSize
      .prefault("4MiB")
      .describe("a record with a longer text cannot be treated"),
    max_depth: z.int().min(1).max(1000).default(64).describe("nesting; deeper cannot be treated"),
    cache_size: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(16_384)
      .describe("attribute values whose findings are remembered"),
  })
  .superRefine((config, context) => {
    const names = new Set([...knownNames, ...config.rules.map((rule) => rule.entity)]);
    for (const [index, entry] of config.entities.entries()) {
      const name = entry.replace(/^-/, "");
      if (entry === "default" || names.has(name)) continue;
      const message = `no entity '${name}'; there are ${[...names].sort().join(", ")}`;
      context.addIssue({ code: "custom", path: ["entities", index], message });
    }
    for (const [name, treatment] of Object.entries(config.treatments)) {
      if (!names.has(name)) {
        const message = `no entity '${name}'; there are ${[...names].sort().join(", ")}`;
        context.addIssue({ code: "custom", path: ["treatments", name], message });
      }
      const isKeyed = treatment.action === "hash" && treatment.algorithm === "hmac_sha256";
      if (isKeyed && config.hash_key_file === undefined) {
        const message = "hmac_sha256 needs a key: set hash_key_file";
        context.addIssue({ code: "custom", path: ["treatments", name], message });
      }
    }
  });

export type Config = z.infer<typeof configSchema>;
