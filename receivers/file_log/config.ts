/** Configuration of `file_log`: the Collector's keys and defaults, and one key of ours. */
import { z } from "zod";
import { byteSize, durationMs } from "../../config/values.ts";
import { goRegexError } from "../../src/lib/operators/go_regex.ts";
import { sourceShape } from "../../src/lib/operators/source_config.ts";
import { globError } from "./glob.ts";

const glob = z.string().superRefine((pattern, context) => {
  const message = globError(pattern);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});
const goRegex = z.string().superRefine((source, context) => {
  const message = goRegexError(source);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});
const positive = (bytes: number): boolean => bytes > 0;
/** The window in which a line is looked for has to fit one read of the operating system. */
const MAX_LOG_SIZE_BYTES_MAX = 256 * 1024 * 1024;

const multiline = z
  .strictObject({
    line_start_pattern: goRegex
      .optional()
      .describe("Go regular expression that matches the beginning of each log."),
    line_end_pattern: goRegex
      .optional()
      .describe("Go regular expression that matches the end of each log."),
    omit_pattern: z
      .boolean()
      .default(false)
      .describe("Whether the text that matched is left out of the log."),
  })
  .refine(
    ({ line_start_pattern, line_end_pattern }) =>
      (line_start_pattern === undefined) !== (line_end_pattern === undefined),
    "expected exactly one of line_start_pattern and line_end_pattern",
  );

export const configSchema = z.strictObject({
  include: z.array(glob).min(1).describe("Glob patterns of the files to read, `**` included."),
  exclude: z.array(glob).default([]).describe("Glob patterns of files that are not read."),
  start_at: z
    .enum(["beginning", "end"])
    .default("end")
    .describe("Where files begin that are there at the first start; later ones are read whole."),
  multiline: multiline.optional().describe("Joins lines to logs; without it each line is a log."),
  force_flush_period: durationMs
    .prefault("500ms")
    .describe("Time without new data after which an unfinished last line is read; 0 is never."),
  encoding: z
    .enum([
      ...["utf-8", "utf-8-raw", "utf-16le", "utf-16be"],
      ...["latin1", "iso-8859-1", "ascii", "nop"],
    ] as const)
    .default("utf-8")
    .describe("Character encoding of the files; nop keeps bytes and knows no lines."),
  preserve_leading_whitespaces: z
    .boolean()
    .default(false)
    .describe("Whether white space at the beginning of a log stays."),
  preserve_trailing_whitespaces: z
    .boolean()
    .default(false)
    .describe("Whether white space at the end of a log stays."),
  include_file_name: z.boolean().default(true).describe("Adds `log.file.name`."),
  include_file_path: z.boolean().default(false).describe("Adds `log.file.path`."),
  include_file_name_resolved: z
    .boolean()
    .default(false)
    .describe("Adds `log.file.name_resolved`, the name behind symbolic links."),
  include_file_path_resolved: z
    .boolean()
    .default(false)
    .describe("Adds `log.file.path_resolved`, the path behind symbolic links."),
  include_file_record_number: z
    .boolean()
    .default(false)
    .describe("Adds `log.file.record_number`, counted from 1."),
  include_file_record_offset: z
    .boolean()
    .default(false)
    .describe("Adds `log.file.record_offset`, the byte at which the log begins."),
  poll_interval: durationMs
    .refine(positive, "must be longer than 0s")
    .prefault("200ms")
    .describe("Time between two looks at the files; events of the system only come before it."),
  fingerprint_size: byteSize
    .refine((bytes) => bytes >= 16, "must be at least 16 bytes")
    .prefault("1000")
    .describe("Bytes at the beginning by which a file is known again."),
  max_log_size: byteSize
    .refine(positive, "must be larger than 0")
    .refine((bytes) => bytes <= MAX_LOG_SIZE_BYTES_MAX, "must be at most 256MiB")
    .prefault("1MiB")
    .describe("Largest log; a longer one is treated as `max_log_size_behavior` says."),
  max_log_size_behavior: z
    .enum(["split", "truncate"])
    .default("split")
    .describe("Whether the rest of a too long log becomes further logs or is left out."),
  max_concurrent_files: z
    .int()
    .min(2)
    .default(1024)
    .describe("Files that are open at the same time; the others wait for their turn."),
  max_in_flight_bytes: byteSize
    .refine(positive, "must be larger than 0")
    .prefault("4MiB")
    .describe("Bytes of all files that are read and not yet acknowledged. Not in the Collector."),
  compression: z
    .enum(["", "gzip", "auto"])
    .default("")
    .describe("gzip: all files are; auto: those that begin as gzip files do."),
  on_truncate: z
    .enum(["ignore", "read_whole_file", "read_new"])
    .default("ignore")
    .describe("For a file that became shorter and still begins the same; others are read whole."),
  attributes: sourceShape.attributes,
  resource: sourceShape.resource,
  operators: sourceShape.operators,
  storage: z
    .string()
    .optional()
    .describe(
      "`file_storage` extension that keeps the offsets; else `service.state_directory` does.",
    ),
  retry_on_failure: sourceShape.retry_on_failure,
});

export type FileLogConfig = z.infer<typeof configSchema>;
