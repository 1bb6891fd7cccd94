/** What the configurations of several operators have in common. */
import { z } from "zod";
import { isTimeZone } from "../time_zone.ts";
import { expressionError } from "./expression.ts";
import { parseField } from "./field.ts";
import { goRegexError } from "./go_regex.ts";
import { SEVERITY_ALIASES } from "./severity.ts";
import { compileStrptime } from "./time_layout.ts";

export const field = z.string().refine((text) => parseField(text) !== undefined, {
  error: 'expected a field such as body, attributes.name, attributes["a.b"] or resource.name',
});

/** A text that a function finds nothing wrong with. */
export function textChecked(errorOf: (text: string) => string | undefined): z.ZodString {
  return z.string().superRefine((text, context) => {
    const message = errorOf(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}
export const expression = textChecked(expressionError);
export const goRegex = textChecked(goRegexError);

const timestampShape = {
  parse_from: field.describe("Field that holds the time."),
  layout_type: z
    .enum(["strptime", "gotime", "epoch"])
    .default("strptime")
    .describe("How `layout` is written."),
  layout: z
    .string()
    .min(1)
    .describe("For epoch: s, ms, us, ns, s.ms, s.us or s.ns; otherwise the pattern of the time."),
  location: z
    .string()
    .refine(isTimeZone, "expected an IANA time zone such as Europe/Berlin, or Local")
    .default("Local")
    .describe("Time zone of times that name none: an IANA name, UTC, or Local."),
};

function layoutFits({ layout_type, layout }: { layout_type: string; layout: string }): boolean {
  if (layout_type === "strptime") return compileStrptime(layout) !== undefined;
  return layout_type === "gotime" || /^(s|ms|us|ns|s\.ms|s\.us|s\.ns)$/.test(layout);
}
const LAYOUT_ERROR = {
  path: ["layout"],
  error: "the layout has a directive that its layout_type does not know",
};
const timestampConfig = z.strictObject(timestampShape).refine(layoutFits, LAYOUT_ERROR);

const severityValue = z.union([
  z.string(),
  z.number(),
  z.strictObject({ min: z.int(), max: z.int() }),
]);
const severityMapping = z.partialRecord(
  z.enum(SEVERITY_ALIASES as [string, ...string[]]),
  z.union([severityValue, z.array(severityValue)]),
);
const severityShape = {
  parse_from: field.describe("Field that holds the severity."),
  preset: z
    .enum(["default", "otel", "aliases", "none"])
    .default("default")
    .describe("Values that are known without a mapping."),
  mapping: severityMapping
    .default({})
    .describe("Severity (trace, debug2, error ...) to values, lists, {min, max} or 2xx to 5xx."),
  overwrite_text: z
    .boolean()
    .default(false)
    .describe("Whether the severity text becomes the short name, such as ERROR."),
};
export const severityConfig = z.strictObject(severityShape);

const parsedId = (name: string, digits: number) =>
  z
    .strictObject({
      parse_from: field
        .default(`body.${name}`)
        .describe(`Field with its ${digits} hexadecimal digits.`),
    })
    .prefault({});
const traceShape = {
  trace_id: parsedId("trace_id", 32),
  span_id: parsedId("span_id", 16),
  trace_flags: parsedId("trace_flags", 2),
};
const traceConfig = z.strictObject(traceShape);
const scopeNameShape = { parse_from: field.default("body").describe("Field that holds the name.") };
const scopeNameConfig = z.strictObject(scopeNameShape);

export const operatorShape = {
  id: z
    .string()
    .min(1)
    .optional()
    .describe("Name in logs, metrics and `output`; without it the type (type1, type2 ...)."),
  on_error: z
    .enum(["send", "send_quiet", "drop", "drop_quiet"])
    .default("send")
    .describe("What becomes of a line that does not parse; the quiet forms log at debug level."),
  if: expression
    .optional()
    .describe("Expression; lines for which it is not true pass the operator by."),
  output: z
    .union([z.string(), z.array(z.string()).length(1)])
    .optional()
    .describe("Id of a later operator to which lines go; without it the next one."),
};
export const parserShape = {
  ...operatorShape,
  parse_from: field.default("body").describe("Field that is parsed."),
  body: field.optional().describe("Field that becomes the body after parsing."),
  timestamp: timestampConfig.optional().describe("Takes the record's time from a field."),
  severity: severityConfig.optional().describe("Takes the record's severity from a field."),
  trace: traceConfig.optional().describe("Takes trace id, span id and flags from fields."),
  scope_name: scopeNameConfig.optional().describe("Takes the scope's name from a field."),
};
export const parseTo = field.default("attributes").describe("Field that takes what was parsed.");

export const timeParserConfig = z
  .strictObject({ type: z.literal("time_parser"), ...operatorShape, ...timestampShape })
  .refine(layoutFits, LAYOUT_ERROR);
export const severityParserConfig = z.strictObject({
  type: z.literal("severity_parser"),
  ...operatorShape,
  ...severityShape,
});
export const traceParserConfig = z.strictObject({
  type: z.literal("trace_parser"),
  ...operatorShape,
  ...traceShape,
});
export const scopeNameParserConfig = z.strictObject({
  type: z.literal("scope_name_parser"),
  ...operatorShape,
  ...scopeNameShape,
});

export type TimestampConfig = z.infer<typeof timestampConfig>;
export type SeverityConfig = z.infer<typeof severityConfig>;
export type SeverityMapping = SeverityConfig["mapping"];
export type TraceConfig = z.infer<typeof traceConfig>;
export type ScopeNameConfig = z.infer<typeof scopeNameConfig>;
