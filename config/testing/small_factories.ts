/** Factories with small schemas that have every feature the loader deals with. */
import { z } from "zod";
import type { Processor, Receiver } from "../../src/component/component.ts";

import type { Factories } from "../factories.ts";
import { byteSize, durationMs } from "../values.ts";

const operator = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("json_parser"), parse_from: z.string().default("body") }),
  z.strictObject({ type: z.literal("regex_parser"), regex: z.string() }),
]);

const fileLog = {
  kind: "receiver",
  type: "file_log",
  aliases: ["filelog"],
  description: "Reads files.",
  configSchema: z.strictObject({
    include: z.array(z.string()).min(1).describe("Globs."),
    start_at: z.enum(["beginning", "end"]).default("end").describe("Where to begin."),
    poll_interval: durationMs.prefault("200ms").describe("How often to look."),
    max_log_size: byteSize.prefault("1MiB").describe("Longest line."),
    attributes: z.record(z.string(), z.string()).default({}).describe("Attributes to add."),
    multiline: z
      .strictObject({ line_start_pattern: z.string().optional() })
      .optional()
      .describe("Several lines, one record."),
    operators: z.array(operator).default([]).describe("What is done with a line."),
    storage: z.string().optional().describe("A file_storage extension."),
  }),
  create: unused,
} as const;

const protocol = (endpoint: string) =>
  z.strictObject({
    endpoint: z.string().default(endpoint),
    auth: z.strictObject({ authenticator: z.string() }).optional(),
  });

const otlp = {
  kind: "receiver",
  type: "otlp",
  aliases: [],
  description: "Receives OTLP.",
  configSchema: z.strictObject({
    protocols: z.strictObject({
      http: protocol("localhost:4318").optional(),
      grpc: protocol("localhost:4317").optional(),
    }),
  }),
  create: unused,
} as const;

const piiDetect = {
  kind: "processor",
  type: "pii_detect",
  aliases: [],
  description: "Finds personal data.",
  configSchema: z.strictObject({ entities: z.array(z.string()).default(["default"]) }),
  create: unused,
} as const;

const tokenize = {
  kind: "processor",
  type: "tokenize",
  aliases: [],
  description: "Replaces what was found.",
  configSchema: z.strictObject({ domain: z.string().min(1) }),
  checkPosition: (_: unknown, { before }: { before: readonly string[] }) =>
    before.includes("pii_detect") ? undefined : "tokenize needs pii_detect before it",
  create: unused,
} as const;

const otlpHttp = {
  kind: "exporter",
  type: "otlp_http",
  aliases: ["otlphttp"],
  description: "Sends OTLP.",
  configSchema: z.strictObject({
    endpoint: z.url(),
    headers: z.record(z.string(), z.string()).default({}),
    timeout: durationMs.prefault("30s"),
    port: z.int().min(0).max(65_535).default(1),
    tls: z.strictObject({ insecure: z.boolean().default(false) }).prefault({}),
  }),
  create: unused,
} as const;

const debug = {
  kind: "exporter",
  type: "debug",
  aliases: [],
  description: "Prints.",
  configSchema: z.strictObject({}),
  create: unused,
} as const;

export const smallFactories: Factories = {
  receivers: [fileLog, otlp],
  processors: [piiDetect, tokenize],
  exporters: [otlpHttp, debug],
};

/** The loader checks configurations; it never creates a component. */
function unused(): Receiver & Processor {
  throw new Error("the loader created a component");
}
