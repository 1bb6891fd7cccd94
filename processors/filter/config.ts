/** What a user writes for `filter`: OTTL conditions, or the older include and exclude lists. */
import { z } from "zod";
import { severityNumberOf } from "../../src/data/severity.ts";
import { compileLinear } from "./linear_regex.ts";
import { compileCondition } from "./ottl/condition.ts";
import type { Context } from "./ottl/paths.ts";

/** Compiling says whether it can run; the bound on texts is of no matter for that. */
const condition = (context: Context) =>
  z.string().superRefine((text, refinement) => {
    try {
      compileCondition(text, context, Number.POSITIVE_INFINITY);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const message = `not a condition that can run here: ${error.message}`;
      refinement.addIssue({ code: "custom", message });
    }
  });

const severity = z
  .union([z.string(), z.number()])
  .refine((value) => severityNumberOf(value) !== undefined, {
    error: "expected a severity such as INFO, WARN2 or a number from 1 to 24",
  });

const attributesSchema = z.array(
  z.strictObject({
    key: z.string().min(1).describe("name of the attribute"),
    value: z
      .unknown()
      .optional()
      .describe("its value, of the same type (`strict`) or a pattern; any when left out"),
  }),
);

const matchSchema = z
  .strictObject({
    match_type: z
      .enum(["strict", "regexp"])
      .optional()
      .describe("texts are equal, or hold a match of a pattern; needed when texts are compared"),
    severity_number: z
      .strictObject({
        min: severity.describe("this severity or a higher one"),
        match_undefined: z.boolean().default(false).describe("records without a severity match"),
      })
      .optional()
      .describe("condition on the severity number"),
    severity_texts: z.array(z.string()).default([]).describe("one of these"),
    bodies: z.array(z.string()).default([]).describe("one of these; maps are compared as JSON"),
    record_attributes: attributesSchema.default([]).describe("all of these"),
    resource_attributes: attributesSchema.default([]).describe("all of these"),
  })
  .superRefine((match, context) => {
    const attributes = [
      ...match.record_attributes.map((entry, index) => ({
        entry,
        at: ["record_attributes", index],
      })),
      ...match.resource_attributes.map((entry, index) => ({
        entry,
        at: ["resource_attributes", index],
      })),
    ];
    const texts = [
      ...match.severity_texts.map((text, index) => ({ text, at: ["severity_texts", index] })),
      ...match.bodies.map((text, index) => ({ text, at: ["bodies", index] })),
      ...attributes
        .filter(({ entry }) => entry.value !== undefined && entry.value !== null)
        .map(({ entry, at }) => ({ text: entry.value, at: [...at, "value"] })),
    ];
    if (texts.length === 0 && attributes.length === 0 && match.severity_number === undefined) {
      context.addIssue({ code: "custom", message: "it has no condition, so it would do nothing" });
    }
    if (texts.length > 0 && match.match_type === undefined) {
      const message = "texts are compared, so match_type must say how: strict or regexp";
      context.addIssue({ code: "custom", path: ["match_type"], message });
    }
    if (match.match_type !== "regexp") return;
    for (const { text, at } of texts) {
      const message = patternError(text);
      if (message !== undefined) context.addIssue({ code: "custom", path: at, message });
    }
  });

export type MatchConfig = z.infer<typeof matchSchema>;

export const configSchema = z
  .strictObject({
    logs: z
      .strictObject({
        include: matchSchema.optional().describe("records that match stay, all others are dropped"),
        exclude: matchSchema.optional().describe("records that match are dropped"),
        log_record: z
          .array(condition("log"))
          .default([])
          .describe("OTTL conditions; a record for which one holds is dropped"),
        resource: z
          .array(condition("resource"))
          .default([])
          .describe("OTTL conditions on the resource; its records are dropped when one holds"),
      })
      .prefault({})
      .describe("when both are given, `include` is applied first"),
    max_match_length: z
      .int()
      .min(1)
      .max(16_777_216)
      .default(1_048_576)
      .describe(
        "characters of a text that a pattern looks at; a record with a longer one is withheld",
      ),
    log_conditions: z
      .array(condition("log"))
      .default([])
      .describe("the same as `logs.log_record`, as newer Collectors write it, with `log.body`"),
    error_mode: z
      .enum(["ignore", "silent", "propagate"])
      .optional()
      .describe("accepted for the Collector's sake: what cannot be judged is always withheld"),
  })
  .superRefine(({ logs, log_conditions }, context) => {
    const conditions = [...logs.log_record, ...logs.resource, ...log_conditions];
    const hasLists = logs.include !== undefined || logs.exclude !== undefined;
    if (!hasLists || conditions.length === 0) return;
    const message = "write either OTTL conditions or include and exclude, as in the Collector";
    context.addIssue({ code: "custom", path: ["logs"], message });
  });

export type Config = z.infer<typeof configSchema>;

function patternError(text: unknown): string | undefined {
  if (typeof text !== "string") return "a pattern is text; write it in quotes";
  try {
    compileLinear(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `not a regular expression that can run here: ${error.message}`;
  }
}
