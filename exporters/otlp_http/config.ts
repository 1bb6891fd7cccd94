/** Configuration of the OTLP/HTTP exporter; keys and defaults are the Collector's. */
import { z } from "zod";
import { durationMs } from "../../config/values.ts";
import {
  backendUrlSchema,
  headersSchema,
  retryOnFailureSchema,
  sendingQueueSchema,
  tlsClientSchema,
} from "../../src/lib/sending/config.ts";

export const configSchema = z
  .strictObject({
    endpoint: backendUrlSchema
      .optional()
      .describe("Base URL of the backend; `/v1/logs` is appended."),
    logs_endpoint: backendUrlSchema
      .optional()
      .describe("URL for logs, taken as it is; used before `endpoint`."),
    endpoints: z
      .array(backendUrlSchema)
      .min(2)
      .max(64)
      .optional()
      .describe("Base URLs of several backends instead of `endpoint`. Not in the Collector."),
    balancer_name: z
      .enum(["round_robin", "pick_first"])
      .default("round_robin")
      .describe("Requests in turn to all `endpoints` that work, or all to the first that does."),
    encoding: z.enum(["proto", "json"]).default("proto").describe("Encoding of OTLP."),
    headers: headersSchema.prefault({}).describe("Headers of each request. Values are secrets."),
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
    tls: tlsClientSchema.prefault({}).describe("For `https://` endpoints."),
    retry_on_failure: retryOnFailureSchema.prefault({}).describe("Waits between attempts."),
    sending_queue: sendingQueueSchema
      .prefault({})
      .describe("Concurrency, and a durable queue. There is no queue in memory."),
  })
  .superRefine((config, context) => {
    const several = config.endpoints;
    const target = config.logs_endpoint ?? config.endpoint ?? several?.[0];
    const issue = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (target === undefined) issue([], "set endpoint, for example http://localhost:4318");
    if (several !== undefined && (config.logs_endpoint ?? config.endpoint) !== undefined) {
      issue(["endpoints"], "set either endpoints or one endpoint");
    }
    if (new Set(several).size !== (several?.length ?? 0)) {
      issue(["endpoints"], "names a backend twice");
    }
    if (config.tls.insecure && [target, ...(several ?? [])].some(isHttps)) {
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

/** Where logs are sent; several where the backends share them. */
export function logsUrls(config: Config): string[] {
  if (config.logs_endpoint !== undefined) return [config.logs_endpoint];
  const bases = config.endpoints ?? [config.endpoint!];
  return bases.map((base) => `${base.replace(/\/+$/, "")}/v1/logs`);
}

function isHttps(text: string | undefined): boolean {
  return text?.startsWith("https:") === true;
}
