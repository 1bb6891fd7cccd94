/** Configuration of the exporter; the keys that it shares with `otlp_http` mean the same. */
import { z } from "zod";
import { durationMs } from "../../config/values.ts";
import {
  backendUrlSchema,
  headersSchema,
  retryOnFailureSchema,
  sendingQueueSchema,
  tlsClientSchema,
} from "../../src/lib/sending/config.ts";

export const configSchema = z.strictObject({
  endpoint: backendUrlSchema.describe("Base URL of the backend; `/v1/metrics` is appended."),
  prefix: z
    .string()
    .regex(/^[a-z][a-z0-9_.]{0,63}$/, "expected lower-case letters, digits, '.' and '_'")
    .default("dp.")
    .describe("Put before the name of each metric."),
  headers: headersSchema.prefault({}).describe("Headers of each request. Values are secrets."),
  timeout: durationMs
    .refine((ms) => ms >= 1, "must be at least 1ms")
    .prefault("30s")
    .describe("Longest time of one attempt."),
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
});

export type Config = z.infer<typeof configSchema>;

export function metricsUrl({ endpoint }: Config): string {
  return `${endpoint.replace(/\/+$/, "")}/v1/metrics`;
}
