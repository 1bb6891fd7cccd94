/** Configuration of `file_log`: the Collector's keys and defaults, and one key of ours. */
import { z } from "zod";
import { byteSize, durationMs } from "../../config/values.ts";
import { goRegexError } from "../../src/lib/operators/go_regex.ts";
import { sourceShape } from "../../src/lib/operators/source_config.ts";
import { compileStrptime } from "../../src/lib/operators/time_layout.ts";
import { isTimeZone } from "../../src/lib/time_zone.ts";
import { globError } from "./glob.ts";
import { SINGLE_BYTE_ENCODINGS } from "./single_byte.ts";

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

const sortBy = z
  .strictObject({
    sort_type: z
      .enum(["numeric", "alphabetical", "timestamp", "mtime"])
      .describe("What the files are sorted by; mtime is when they were last written to."),
    regex_key: z.string().min(1).optional().describe("Named group of `regex` that is sorted by."),
    ascending: z.boolean().default(false).describe("Whether the smallest, or oldest, comes first."),
    layout: z
      .string()
      .refine((layout) => compileStrptime(layout) !== undefined, "has a directive that is none")
      .optional()
      .describe("strptime layout of a timestamp."),
    location: z
      .string()
      .refine(isTimeZone, "expected an IANA time zone such as Europe/Berlin, or Local")
      .default("UTC")
      .describe("Time zone of timestamps that name none."),
    max_time: durationMs.prefault("0").describe("For mtime: older files are left out; 0: none is."),
  })
  .refine(({ sort_type, regex_key }) => sort_type === "mtime" || regex_key !== undefined, {
    path: ["regex_key"],
    error: "this sort_type needs a regex_key",
  })
  .refine(({ sort_type, layout }) => sort_type !== "timestamp" || layout !== undefined, {
    path: ["layout"],
    error: "sort_type: timestamp needs a layout",
  });

const ordering = z
  .strictObject({
    regex: goRegex
      .optional()
      .describe("Go regular expression that a path matches; others are not read."),
    top_n: z.int().min(1).default(1).describe("How many files are read, of each group."),
    group_by: goRegex
      .optional()
      .describe("Go regular expression; files for which its groups hold the same belong together."),
    sort_by: z.array(sortBy).min(1).describe("Criteria, the last of which counts most."),
  })
  .refine(
    ({ regex, sort_by }) =>
      regex !== undefined || sort_by.every(({ sort_type }) => sort_type === "mtime"),
    { path: ["regex"], error: "sort_by with a regex_key needs a regex" },
  );
export type OrderingConfig = z.infer<typeof ordering>;

/** Keys of the Collector that cannot have another effect here than one value of theirs. */
const collectorOnly = {
  initial_buffer_size: byteSize
    .optional()
    .describe("Accepted for the Collector's sake: files share buffers of a fixed size."),
  max_batches: z
    .literal(0, "files are never left out here: they take turns. Leave the key out, or set 0")
    .optional()
    .describe("Accepted for the Collector's sake, as 0: files are never left out."),
  polls_to_archive: z
    .literal(0, "offsets of files that are gone are kept for an hour. Leave the key out, or set 0")
    .optional()
    .describe("Accepted for the Collector's sake, as 0: see `How a file is known`."),
  acquire_fs_lock: z
    .literal(false, "this runtime cannot lock files: give a file to one reader only")
    .optional()
    .describe("Accepted for the Collector's sake, as false: files are not locked."),
  file_cache_advise: z
    .literal(false, "this runtime cannot advise the system's cache of files")
    .optional()
    .describe("Accepted for the Collector's sake, as false."),
};

const fileLog = z.strictObject({
  include: z.array(glob).min(1).describe("Glob patterns of the files to read, `**` included."),
  exclude: z.array(glob).default([]).describe("Glob patterns of files that are not read."),
  ordering_criteria: ordering.optional().describe("Reads only the first files of an order."),
  exclude_older_than: durationMs
    .refine(positive, "must be longer than 0s")
    .optional()
    .describe("Files that were not written to for this time are not begun."),
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
      ...SINGLE_BYTE_ENCODINGS,
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
  include_file_owner_name: z
    .boolean()
    .default(false)
    .describe("Adds `log.file.owner.name`, the user who owns the file."),
  include_file_owner_group_name: z
    .boolean()
    .default(false)
    .describe("Adds `log.file.owner.group.name`."),
  include_file_permissions: z
    .boolean()
    .default(false)
    .describe("Adds `log.file.permissions`, three octal digits."),
  include_file_record_number: z
    .boolean()
    .default(false)
    .describe("Adds `log.file.record_number`, counted from 1."),
  include_file_record_offset: z
    .boolean()
    .default(false)
    .describe("Adds `log.file.record_offset`, the byte at which the log begins."),
  delete_after_read: z
    .boolean()
    .default(false)
    .describe("Deletes a file when all of it is acknowledged; needs `start_at: beginning`."),
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
  ...collectorOnly,
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

export const configSchema = fileLog.refine(
  ({ delete_after_read, start_at }) => !delete_after_read || start_at === "beginning",
  {
    path: ["delete_after_read"],
    error: "needs `start_at: beginning`: otherwise files would be deleted that were never read",
  },
);

export type FileLogConfig = z.infer<typeof configSchema>;
