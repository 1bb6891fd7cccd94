/** Configuration of the `journald` receiver: the Collector's keys and defaults. */
import { z } from "zod";
import { byteSize } from "../../config/values.ts";
import { streamShape } from "../../src/lib/operators/source_config.ts";

const text = z.string().min(1);
const PRIORITIES = "(emerg|alert|crit|err|warning|notice|info|debug|[0-7])";
const priority = z
  .string()
  .regex(
    new RegExp(`^${PRIORITIES}(\\.\\.${PRIORITIES})?$`),
    "expected emerg, alert, crit, err, warning, notice, info, debug, 0 to 7, or a range of two",
  );

export const configSchema = z
  .strictObject({
    directory: text.optional().describe("Folder of journal files; without it the system's."),
    files: z.array(text).default([]).describe("Journal files to read instead of a folder."),
    start_at: z
      .enum(["beginning", "end"])
      .default("end")
      .describe("Where the journal is begun at the first start."),
    units: z.array(text).default([]).describe("Only of these systemd units."),
    identifiers: z.array(text).default([]).describe("Only with these syslog identifiers."),
    matches: z
      .array(z.record(z.string().regex(/^[_A-Z0-9]+$/, "is no field of the journal"), z.string()))
      .default([])
      .describe("Only entries that have all values of one of these maps, by field."),
    priority: priority
      .default("info")
      .describe("Only of this priority and more urgent ones, or of a range such as err..info."),
    grep: text.optional().describe("Only entries whose message matches this PCRE2 expression."),
    dmesg: z.boolean().default(false).describe("Only messages of the kernel, of this boot."),
    all: z.boolean().default(false).describe("Passed on to journalctl; here nothing is left out."),
    namespace: text.optional().describe("Journal namespace that is read."),
    merge: z.boolean().default(false).describe("Whether the journals of all machines are read."),
    convert_message_bytes: z
      .boolean()
      .default(false)
      .describe("Whether a MESSAGE that is no UTF-8 becomes text all the same."),
    convert_to_semantic_conventions: z
      .boolean()
      .default(false)
      .describe("Whether the message is the body, and the other fields are attributes."),
    journalctl_path: text.default("journalctl").describe("The program that reads the journal."),
    max_log_size: byteSize
      .refine((bytes) => bytes >= 1024, "must be at least 1KiB")
      .refine((bytes) => bytes <= 64 * 1024 * 1024, "must be at most 64MiB")
      .prefault("1MiB")
      .describe("Largest entry; values beyond it are cut. Not in the Collector."),
    storage: z
      .string()
      .optional()
      .describe(
        "`file_storage` extension that keeps the cursor; else `service.state_directory` does.",
      ),
    ...streamShape,
  })
  .refine(({ directory, files }) => directory === undefined || files.length === 0, {
    path: ["files"],
    error: "only one of directory and files can be set",
  });

export type JournaldConfig = z.infer<typeof configSchema>;
