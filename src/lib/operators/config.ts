/** Configuration of the operators. The keys are those of the Collector's stanza operators. */
import { z } from "zod";
import { byteSize } from "../../../config/values.ts";
import { ONE_FRAMING, syslogShape } from "../syslog/config.ts";
import {
  field,
  goRegex,
  operatorShape,
  parserShape,
  parseTo,
  scopeNameParserConfig,
  severityConfig,
  severityParserConfig,
  timeParserConfig,
  traceParserConfig,
} from "./config_parts.ts";
import { compileGoRegex, goRegexError } from "./go_regex.ts";
import { routeErrors } from "./routes.ts";
import {
  add,
  assignKeys,
  copy,
  filter,
  flatten,
  move,
  noop,
  recombine,
  regexReplace,
  remove,
  retain,
  router,
  sanitize,
  unquote,
} from "./transform_config.ts";

function hasNamedGroup(source: string): boolean {
  return new RegExp(`${compileGoRegex(source).source}|`).exec("")?.groups !== undefined;
}

const jsonParser = z.strictObject({
  type: z.literal("json_parser"),
  ...parserShape,
  parse_to: parseTo,
  parse_ints: z
    .literal(true, "integers always stay integers here: leave the key out")
    .optional()
    .describe("Integers stay integers, always."),
});
const jsonArrayParser = z.strictObject({
  type: z.literal("json_array_parser"),
  ...parserShape,
  parse_to: parseTo.unwrap().default("body").describe("Field that takes the list."),
});
const regexParser = z.strictObject({
  type: z.literal("regex_parser"),
  ...parserShape,
  parse_to: parseTo,
  regex: goRegex
    .refine((source) => goRegexError(source) !== undefined || hasNamedGroup(source), {
      error: "expected a named group, (?P<name>...)",
    })
    .describe("A Go regular expression; its named groups become fields."),
});
const csvParser = z
  .strictObject({
    type: z.literal("csv_parser"),
    ...parserShape,
    parse_to: parseTo,
    header: z.string().min(1).optional().describe("Names of the columns, separated as they are."),
    header_attribute: z
      .string()
      .min(1)
      .optional()
      .describe("Attribute that holds the names instead."),
    delimiter: z.string().length(1).default(",").describe("Character between columns."),
    header_delimiter: z
      .string()
      .length(1)
      .optional()
      .describe("Character between names; without it `delimiter`."),
    lazy_quotes: z
      .boolean()
      .default(false)
      .describe("Whether a quotation mark may stand inside a value as it is."),
    ignore_quotes: z
      .boolean()
      .default(false)
      .describe("Whether quotation marks are characters like others."),
  })
  .refine(
    ({ header, header_attribute }) => (header === undefined) !== (header_attribute === undefined),
    {
      path: ["header"],
      error: "expected exactly one of header and header_attribute",
    },
  )
  .refine(({ lazy_quotes, ignore_quotes }) => !(lazy_quotes && ignore_quotes), {
    path: ["ignore_quotes"],
    error: "only one of lazy_quotes and ignore_quotes can be true",
  });
const keyValueParser = z
  .strictObject({
    type: z.literal("key_value_parser"),
    ...parserShape,
    parse_to: parseTo,
    delimiter: z.string().min(1).default("=").describe("Text between key and value."),
    pair_delimiter: z.string().min(1).default(" ").describe("Text between pairs."),
  })
  .refine(({ delimiter, pair_delimiter }) => delimiter !== pair_delimiter, {
    path: ["pair_delimiter"],
    error: "must not be the same as delimiter",
  });
const uriParser = z.strictObject({
  type: z.literal("uri_parser"),
  ...parserShape,
  parse_to: parseTo,
});
const syslogParser = z
  .strictObject({
    type: z.literal("syslog_parser"),
    ...parserShape,
    parse_to: parseTo,
    ...syslogShape,
  })
  .refine(ONE_FRAMING.check, ONE_FRAMING.error);
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

export const operatorConfig = z.discriminatedUnion("type", [
  jsonParser,
  jsonArrayParser,
  regexParser,
  csvParser,
  keyValueParser,
  uriParser,
  syslogParser,
  accessLogParser,
  containerParser,
  timeParserConfig,
  severityParserConfig,
  traceParserConfig,
  scopeNameParserConfig,
  add,
  copy,
  move,
  remove,
  retain,
  flatten,
  unquote,
  sanitize,
  assignKeys,
  regexReplace,
  noop,
  filter,
  router,
  recombine,
]);

/** The operators of a receiver, with their outputs checked. */
export const operatorConfigs = z.array(operatorConfig).superRefine((operators, context) => {
  for (const { path, message } of routeErrors(operators)) {
    context.addIssue({ code: "custom", path, message });
  }
});

export type OperatorConfig = z.infer<typeof operatorConfig>;
export type {
  ScopeNameConfig,
  SeverityConfig,
  SeverityMapping,
  TimestampConfig,
  TraceConfig,
} from "./config_parts.ts";
export type * from "./transform_config.ts";
export type JsonParserConfig = z.infer<typeof jsonParser>;
export type JsonArrayParserConfig = z.infer<typeof jsonArrayParser>;
export type RegexParserConfig = z.infer<typeof regexParser>;
export type CsvParserConfig = z.infer<typeof csvParser>;
export type KeyValueParserConfig = z.infer<typeof keyValueParser>;
export type UriParserConfig = z.infer<typeof uriParser>;
export type SyslogParserConfig = z.infer<typeof syslogParser>;
export type AccessLogParserConfig = z.infer<typeof accessLogParser>;
export type ContainerConfig = z.infer<typeof containerParser>;
