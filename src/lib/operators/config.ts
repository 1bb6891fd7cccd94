/** Configuration of the operators. The keys are those of the Collector's stanza operators. */
import { z } from "zod";
import { byteSize } from "../../../config/values.ts";
import { ONE_FRAMING, syslogShape } from "../syslog/config.ts";
import { isTimeZone } from "../time_zone.ts";
import { expressionError } from "./expression.ts";
import { parseField } from "./field.ts";
import { compileGoRegex, goRegexError } from "./go_regex.ts";
import { SEVERITY_ALIASES } from "./severity.ts";
import { compileStrptime } from "./time_layout.ts";

const field = z.string().refine((text) => parseField(text) !== undefined, {
  error: 'expected a field such as body, attributes.name, attributes["a.b"] or resource.name',
});

const onError = z
  .enum(["send", "send_quiet", "drop", "drop_quiet"])
  .default("send")
  .describe("What becomes of a line that does not parse; the quiet forms log at debug level.");

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
const severityConfig = z.strictObject(severityShape);

const expression = z.string().superRefine((text, context) => {
  const message = expressionError(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

const operatorShape = {
  id: z.string().min(1).optional().describe("Name of the operator in logs and metrics."),
  on_error: onError,
  if: expression
    .optional()
    .describe("Expression; lines for which it is not true pass the operator by."),
};
const parserShape = {
  ...operatorShape,
  parse_from: field.default("body").describe("Field that is parsed."),
  timestamp: timestampConfig.optional().describe("Takes the record's time from a field."),
  severity: severityConfig.optional().describe("Takes the record's severity from a field."),
};
const parseTo = field.default("attributes").describe("Field that takes what was parsed.");

function hasNamedGroup(source: string): boolean {
  return new RegExp(`${compileGoRegex(source).source}|`).exec("")?.groups !== undefined;
}

const jsonParser = z.strictObject({
  type: z.literal("json_parser"),
  ...parserShape,
  parse_to: parseTo,
});
const regexParser = z.strictObject({
  type: z.literal("regex_parser"),
  ...parserShape,
  parse_to: parseTo,
  regex: z
    .string()
    .superRefine((source, context) => {
      const message = goRegexError(source);
      if (message !== undefined) context.addIssue({ code: "custom", message });
      else if (!hasNamedGroup(source)) {
        context.addIssue({ code: "custom", message: "expected a named group, (?P<name>...)" });
      }
    })
    .describe("A Go regular expression; its named groups become fields."),
});
const accessLogParser = z.strictObject({
  type: z.literal("access_log_parser"),
  ...operatorShape,
  parse_from: field.default("body").describe("Field that is parsed."),
  format: z
    .enum(["auto", "combined", "common", "nginx", "apache"])
    .default("auto")
    .describe("auto and nginx allow more fields after those of the combined format."),
});
const containerParser = z.strictObject({
  type: z.literal("container"),
  ...operatorShape,
  parse_from: field.default("body").describe("Field that is parsed."),
  parse_to: parseTo,
  severity: severityConfig.optional().describe("Takes the record's severity from a field."),
  format: z
    .enum(["", "docker", "crio", "containerd"])
    .default("")
    .describe("Format of the lines; found out line by line when empty."),
  add_metadata_from_filepath: z
    .boolean()
    .default(true)
    .describe("Whether k8s.* resource attributes are taken from a path below /var/log/pods."),
  max_log_size: byteSize
    .refine((bytes) => bytes > 0, "must be larger than 0")
    .prefault("1MiB")
    .describe("Size at which a log put together from parts is handed on although it has no end."),
});
const syslogParser = z
  .strictObject({
    type: z.literal("syslog_parser"),
    ...parserShape,
    parse_to: parseTo,
    ...syslogShape,
  })
  .refine(ONE_FRAMING.check, ONE_FRAMING.error);
const timeParser = z
  .strictObject({ type: z.literal("time_parser"), ...operatorShape, ...timestampShape })
  .refine(layoutFits, LAYOUT_ERROR);
const severityParserConfig = z.strictObject({
  type: z.literal("severity_parser"),
  ...operatorShape,
  ...severityShape,
});

const filter = z.strictObject({
  type: z.literal("filter"),
  ...operatorShape,
  expr: expression.describe("Lines for which it is true are dropped."),
});

const fromTo = {
  from: field.describe("Field that is read."),
  to: field.describe("Field that is written."),
};
const copy = z.strictObject({ type: z.literal("copy"), ...operatorShape, ...fromTo });
const move = z.strictObject({ type: z.literal("move"), ...operatorShape, ...fromTo });
const remove = z.strictObject({
  type: z.literal("remove"),
  ...operatorShape,
  field: field.describe("Field that is removed; a root such as `attributes` is emptied."),
});

export const operatorConfig = z.discriminatedUnion("type", [
  jsonParser,
  regexParser,
  accessLogParser,
  containerParser,
  syslogParser,
  timeParser,
  severityParserConfig,
  filter,
  copy,
  move,
  remove,
]);

export type OperatorConfig = z.infer<typeof operatorConfig>;
export type TimestampConfig = z.infer<typeof timestampConfig>;
export type SeverityConfig = z.infer<typeof severityConfig>;
export type SeverityMapping = SeverityConfig["mapping"];
export type JsonParserConfig = z.infer<typeof jsonParser>;
export type RegexParserConfig = z.infer<typeof regexParser>;
export type AccessLogParserConfig = z.infer<typeof accessLogParser>;
export type ContainerConfig = z.infer<typeof containerParser>;
export type SyslogParserConfig = z.infer<typeof syslogParser>;
export type TransferConfig = z.infer<typeof copy | typeof move | typeof remove>;
