/** Configuration of the OTLP/HTTP exporter; keys and defaults are the Collector's. */
import { validateHeaderName, validateHeaderValue } from "node:http";
import { z } from "zod";
import { durationMs } from "../../config/values.ts";
import { Secret } from "../../src/lib/secret.ts";
import { retryOnFailureSchema, sendingQueueSchema } from "../../src/lib/sending_config.ts";

/** Set by the exporter itself; another value would contradict what it sends. */
const OWN_HEADERS = new Set(["content-type", "content-encoding", "content-length"]);

const url = z.string().superRefine((text, context) => {
  const problem = urlProblem(text);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
});

const headers = z
  .record(z.string(), z.string())
  .superRefine((values, context) => {
    for (const [name, value] of Object.entries(values)) {
      const message = headerProblem(name, value);
      if (message !== undefined) context.addIssue({ code: "custom", path: [name], message });
    }
  })
  .transform((values) =>
    Object.entries(values).map(([name, value]) => [name, new Secret(value)] as const),
  );

const tls = z.strictObject({
  insecure: z
    .boolean()
    .default(false)
    .describe("Says that the endpoint is meant to be `http://`; the endpoint's scheme decides."),
  insecure_skip_verify: z
    .boolean()
    .default(false)
    .describe("Accepts any certificate of the server. Whoever is on the way can read everything."),
  server_name_override: z
    .string()
    .optional()
    .describe("Name that the server's certificate must have, and that is sent as SNI."),
  ca_file: z
    .string()
    .optional()
    .describe("PEM file of the authorities to trust instead of Node's."),
  cert_file: z
    .string()
    .optional()
    .describe("PEM file of the agent's own certificate (mutual TLS)."),
  key_file: z.string().optional().describe("PEM file of the key of that certificate."),
  min_version: z.enum(["1.2", "1.3"]).default("1.2").describe("Oldest TLS version to speak."),
});

export const configSchema = z
  .strictObject({
    endpoint: url.optional().describe("Base URL of the backend; `/v1/logs` is appended."),
    logs_endpoint: url.optional().describe("URL for logs, taken as it is; used before `endpoint`."),
    encoding: z.enum(["proto", "json"]).default("proto").describe("Encoding of OTLP."),
    headers: headers.prefault({}).describe("Headers of each request. Values are secrets."),
    timeout: durationMs
      .refine((ms) => ms >= 1, "must be at least 1ms")
      .prefault("30s")
      .describe("Longest time of one attempt."),
    compression: z
      .enum(["gzip", "none"], {
        error: "the OpenTelemetry JS exporter can compress with gzip only; use gzip or none",
      })
      .default("gzip")
      .describe("Compression of request bodies."),
    max_request_records: z
      .int()
      .min(1)
      .default(8192)
      .describe("A larger batch is sent in several requests."),
    tls: tls.prefault({}).describe("For `https://` endpoints."),
    retry_on_failure: retryOnFailureSchema.prefault({}).describe("Waits between attempts."),
    sending_queue: sendingQueueSchema
      .prefault({})
      .describe("Concurrency, and a durable queue. There is no queue in memory."),
  })
  .superRefine((config, context) => {
    const target = config.logs_endpoint ?? config.endpoint;
    const issue = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (target === undefined) issue([], "set endpoint, for example http://localhost:4318");
    if (config.tls.insecure && target?.startsWith("https:")) {
      issue(["tls", "insecure"], "the endpoint is https; remove insecure or write http://");
    }
    if ((config.tls.cert_file === undefined) !== (config.tls.key_file === undefined)) {
      issue(["tls"], "set both cert_file and key_file, or neither");
    }
    if (config.retry_on_failure.max_interval < config.retry_on_failure.initial_interval) {
      issue(["retry_on_failure", "max_interval"], "must not be shorter than initial_interval");
    }
  });

export type Config = z.infer<typeof configSchema>;

/** Where logs are sent. */
export function logsUrl(config: Config): string {
  if (config.logs_endpoint !== undefined) return config.logs_endpoint;
  return `${config.endpoint!.replace(/\/+$/, "")}/v1/logs`;
}

function urlProblem(text: string): string | undefined {
  if (!/^https?:\/\//.test(text)) return "must begin with http:// or https://";
  if (!URL.canParse(text)) return "is not a URL";
  const { username, password } = new URL(text);
  if (username !== "" || password !== "") {
    return "must hold no user name or password; put them into headers.authorization";
  }
  return undefined;
}

/** Never quotes the value. */
function headerProblem(name: string, value: string): string | undefined {
  if (OWN_HEADERS.has(name.toLowerCase())) return "is set by the exporter itself";
  try {
    validateHeaderName(name);
  } catch {
    return "is not a valid header name";
  }
  try {
    validateHeaderValue(name, value);
  } catch {
    return "has a value with characters that a header cannot hold";
  }
  return undefined;
}
