/** Configuration of the operators that move, change, choose or join what is there. */
import { z } from "zod";
import { byteSize, durationMs } from "../../../config/values.ts";
import { expression, field, goRegex, operatorShape, textChecked } from "./config_parts.ts";
import { templateError } from "./template.ts";

const template = textChecked(templateError);
const templates = z.record(z.string(), template);

const from = field.describe("Field that is read.");
const to = field.describe("Field that is written.");
const changed = field.default("body").describe("Field that is changed.");

export const add = z.strictObject({
  type: z.literal("add"),
  ...operatorShape,
  field: to,
  value: z
    .union([
      template,
      z.number(),
      z.boolean(),
      z.array(z.unknown()),
      z.record(z.string(), z.unknown()),
    ])
    .describe("Value; a text may hold expressions: `EXPR(body.x)`."),
});
export const copy = z.strictObject({ type: z.literal("copy"), ...operatorShape, from, to });
export const move = z.strictObject({ type: z.literal("move"), ...operatorShape, from, to });
export const remove = z.strictObject({
  type: z.literal("remove"),
  ...operatorShape,
  field: field.describe("Field that is removed; `attributes` and `resource` remove all of them."),
});
export const retain = z.strictObject({
  type: z.literal("retain"),
  ...operatorShape,
  fields: z
    .array(field)
    .min(1)
    .describe("Fields that stay; others are removed where one of the same root is named."),
});
export const flatten = z.strictObject({
  type: z.literal("flatten"),
  ...operatorShape,
  field: field.describe("Map whose entries move one level up, in its place."),
});
export const unquote = z.strictObject({
  type: z.literal("unquote"),
  ...operatorShape,
  field: changed,
});
export const sanitize = z.strictObject({
  type: z.literal("sanitize_utf8"),
  ...operatorShape,
  field: changed,
});
export const assignKeys = z.strictObject({
  type: z.literal("assign_keys"),
  ...operatorShape,
  field: changed,
  keys: z.array(z.string()).min(1).describe("Names for the items of a list, as many as it has."),
});
export const regexReplace = z
  .strictObject({
    type: z.literal("regex_replace"),
    ...operatorShape,
    field: changed,
    regex: goRegex.optional().describe("Go regular expression of what is replaced."),
    regex_name: z
      .enum(["ansi_control_sequences"])
      .optional()
      .describe("A known expression instead of one of your own."),
    replace_with: z.string().default("").describe("Replacement; `$1` and `$name` are groups."),
  })
  .refine(({ regex, regex_name }) => (regex === undefined) !== (regex_name === undefined), {
    path: ["regex"],
    error: "expected exactly one of regex and regex_name",
  });
export const noop = z.strictObject({ type: z.literal("noop"), ...operatorShape });
export const filter = z.strictObject({
  type: z.literal("filter"),
  ...operatorShape,
  expr: expression.describe("Lines for which it is true are dropped."),
  drop_ratio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("Share of these that is dropped; the line's place in the file chooses."),
});
export const router = z.strictObject({
  type: z.literal("router"),
  id: operatorShape.id,
  if: operatorShape.if,
  routes: z
    .array(
      z.strictObject({
        expr: expression.describe("Lines for which it is true take this route."),
        output: operatorShape.output.unwrap().describe("Id of the operator to which they go."),
        attributes: templates.default({}).describe("Attributes that they are given."),
      }),
    )
    .min(1)
    .describe("The first that fits is taken."),
  default: operatorShape.output.describe(
    "Id of the operator for all other lines; without it they are dropped.",
  ),
});
export const recombine = z
  .strictObject({
    type: z.literal("recombine"),
    ...operatorShape,
    combine_field: field.describe("Field whose texts are joined."),
    combine_with: z.string().default("\n").describe("What is put between them."),
    is_first_entry: expression.optional().describe("True for the first line of a record."),
    is_last_entry: expression.optional().describe("True for the last line of a record."),
    overwrite_with: z
      .enum(["oldest", "newest"])
      .default("newest")
      .describe("Line from which everything but the joined field is taken."),
    source_identifier: field
      .optional()
      .describe("Field that keeps lines apart that come mixed; without it the file is one source."),
    max_batch_size: z.int().min(1).default(1000).describe("Lines in one record."),
    max_unmatched_batch_size: z
      .int()
      .min(0)
      .default(100)
      .describe("Lines in one record as long as the condition was not true."),
    max_sources: z.int().min(1).default(1000).describe("Sources that are open at once."),
    max_log_size: byteSize
      .refine((bytes) => bytes > 0, "must be larger than 0")
      .prefault("1MiB")
      .describe("Size at which a record is handed on unfinished. The Collector has no limit."),
    force_flush_period: durationMs
      .refine((ms) => ms > 0, "must be longer than 0s")
      .prefault("5s")
      .describe("Time without new lines after which what is open is handed on."),
  })
  .refine(
    ({ is_first_entry, is_last_entry }) =>
      (is_first_entry === undefined) !== (is_last_entry === undefined),
    {
      path: ["is_first_entry"],
      error: "expected exactly one of is_first_entry and is_last_entry",
    },
  );

export type AddConfig = z.infer<typeof add>;
export type RetainConfig = z.infer<typeof retain>;
export type RegexReplaceConfig = z.infer<typeof regexReplace>;
export type FilterConfig = z.infer<typeof filter>;
export type RouterConfig = z.infer<typeof router>;
export type RecombineConfig = z.infer<typeof recombine>;
export type TransferConfig = z.infer<typeof copy | typeof move | typeof remove>;
export type ChangeConfig = z.infer<
  typeof flatten | typeof unquote | typeof sanitize | typeof assignKeys | typeof regexReplace
>;
