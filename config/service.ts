/**
 * The schemas of `service` and `extensions`. What the Collector has here and this agent does not
 * use is refused, not ignored: a setting that is accepted has an effect.
 */
import { z } from "zod";
import { basicAuthSchema, bearerTokenSchema } from "../src/lib/auth/config.ts";
import { ageRecipient, durationMs } from "./values.ts";

export interface Endpoint {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** `host:port`, `:port` (every address of the machine) or `[v6 address]:port`. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:\s/@]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  const host = match[1] ?? match[2] ?? "";
  return port > 65_535 ? undefined : { host: host === "" ? "0.0.0.0" : host, port };
}

const endpoint = z.string().transform((text, context): Endpoint => {
  const parsed = parseEndpoint(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: "custom", message: "expected host:port such as localhost:13133" });
  return z.NEVER;
});

export const healthCheckSchema = z.strictObject({
  endpoint: endpoint
    .prefault("localhost:13133")
    .describe("Where the health of the agent is served over HTTP, as host:port; port 0 is any."),
});

export const fileStorageSchema = z.strictObject({
  directory: z
    .string()
    .min(1)
    .default("/var/lib/otelcol/file_storage")
    .describe("Folder for the state of the components that name this extension as `storage`."),
  create_directory: z
    .boolean()
    .optional()
    .describe("Accepted for the Collector's sake: a missing folder is always made, mode 0700."),
  fsync: z
    .boolean()
    .optional()
    .describe("Accepted for the Collector's sake: what is stored is always synced to disk."),
  timeout: durationMs
    .optional()
    .describe("Accepted for the Collector's sake: there is no shared file to wait for."),
  compaction: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Accepted for the Collector's sake: the stored files never need compaction."),
});

export const extensionSchemas = {
  health_check: healthCheckSchema,
  file_storage: fileStorageSchema,
  bearertokenauth: bearerTokenSchema,
  basicauth: basicAuthSchema,
} as const;
export type ExtensionType = keyof typeof extensionSchemas;

export const extensionDescriptions: Readonly<Record<ExtensionType, string>> = {
  health_check: "Serves the health of the agent and its components over HTTP.",
  file_storage: "Names the folder in which components that refer to it keep their state.",
  bearertokenauth: "Lets clients of receivers that refer to it in when they show a token.",
  basicauth: "Lets clients of receivers that refer to it in when they show user and password.",
};

const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const logLevel = z
  .enum([...LOG_LEVELS, "DEBUG", "INFO", "WARN", "ERROR"])
  .transform((level) => level.toLowerCase() as LogLevel);

const prometheusSchema = z.strictObject({
  host: z.string().min(1).default("localhost").describe("Address to listen on."),
  port: z.int().min(0).max(65_535).default(8888).describe("Port to listen on; 0 is any free one."),
});

const readerSchema = z.strictObject({
  pull: z.strictObject({ exporter: z.strictObject({ prometheus: prometheusSchema }) }),
});

export const telemetrySchema = z.strictObject({
  logs: z
    .strictObject({
      level: logLevel.prefault("info").describe("Least severity of the agent's own log lines."),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      level: z
        .enum(["none", "basic", "normal", "detailed"])
        .default("normal")
        .describe("`none` serves no metrics; the other levels all serve every metric."),
      readers: z
        .array(readerSchema)
        .min(1)
        .max(1)
        .default([{ pull: { exporter: { prometheus: { host: "localhost", port: 8888 } } } }])
        .describe(
          "One reader: where the metrics are served for Prometheus; by default localhost:8888.",
        ),
    })
    .prefault({}),
});

const ROLE_NAME = /^(?!age1)[a-z][a-z0-9_-]{0,31}$/;

export const serviceSchema = z.strictObject({
  state_directory: z
    .string()
    .min(1)
    .default("./state")
    .describe("Private folder (0700) for offsets, ledgers and keys; one agent has it at a time."),
  extensions: z
    .array(z.string())
    .default([])
    .describe("Ids of the extensions that are switched on."),
  roles: z
    .record(
      z.string().regex(ROLE_NAME, "is a letter and up to 31 of a-z, 0-9, _ and -, and not age1..."),
      z.array(ageRecipient).min(1).max(16),
    )
    .default({})
    .describe(
      "age public keys (age1...) by role; a list `recipients` anywhere may name a role instead.",
    ),
  telemetry: telemetrySchema.prefault({}).describe("The agent's own logs and metrics."),
});

export const pipelineSchema = z.strictObject({
  receivers: z.array(z.string()).min(1).describe("Ids of receivers; their records are merged."),
  processors: z.array(z.string()).default([]).describe("Ids of processors, in order."),
  exporters: z
    .array(z.string())
    .min(1)
    .describe("Ids of exporters; each gets every record, and all must have it before it counts."),
});
