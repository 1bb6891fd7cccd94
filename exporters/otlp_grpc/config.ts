/** Configuration of the OTLP/gRPC exporter; keys and defaults are the Collector's. */
import { z } from "zod";
import { durationMs } from "../../config/values.ts";
import {
  headersSchema,
  retryOnFailureSchema,
  sendingQueueSchema,
  tlsClientSchema,
} from "../../src/lib/sending/config.ts";

const keepalive = z.strictObject({
  time: durationMs
    .refine((ms) => ms >= 1000, "must be at least 1s")
    .prefault("10s")
    .describe("A connection that is idle this long is pinged."),
  timeout: durationMs.prefault("10s").describe("Time for the answer; then it is closed."),
  permit_without_stream: z.boolean().default(false).describe("Pings also between requests."),
});

export const configSchema = z
  .strictObject({
    endpoint: z
      .string()
      .min(1)
      .describe(
        "`host:port`, with `http://` or `https://` before it if wanted, or a gRPC target: " +
          "`dns:///host:port` (all its addresses), `ipv4:10.0.0.1:4317,10.0.0.2:4317`.",
      ),
    headers: headersSchema.prefault({}).describe("Metadata of each request. Values are secrets."),
    timeout: durationMs
      .refine((ms) => ms >= 1, "must be at least 1ms")
      .prefault("5s")
      .describe("Longest time of one attempt."),
    compression: z.enum(["gzip", "none"]).default("gzip").describe("Compression of requests."),
    balancer_name: z
      .enum(["round_robin", "pick_first"])
      .default("round_robin")
      .describe("Requests in turn to all addresses that work, or all to the first that does."),
    wait_for_ready: z
      .boolean()
      .default(false)
      .describe("An attempt waits for a connection, up to `timeout`, instead of failing at once."),
    authority: z.string().optional().describe("Value of the `:authority` pseudo-header."),
    keepalive: keepalive.optional().describe("Pings of idle connections; none when left out."),
    max_request_records: z
      .int()
      .min(1)
      .default(8192)
      .describe("A larger batch is sent in several requests."),
    tls: tlsClientSchema.prefault({}).describe("TLS is on unless `insecure` or `http://` is said."),
    retry_on_failure: retryOnFailureSchema.prefault({}).describe("Waits between attempts."),
    sending_queue: sendingQueueSchema
      .prefault({})
      .describe("Concurrency, and a durable queue. There is no queue in memory."),
  })
  .superRefine((config, context) => {
    const issue = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (!isTarget(config.endpoint)) issue(["endpoint"], "expected host:port or a gRPC target");
    if (config.tls.insecure && config.endpoint.startsWith("https:")) {
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

/** What grpc-js connects to. */
export function targetOf({ endpoint }: Config): string {
  return endpoint.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

export function isInsecure({ endpoint, tls }: Config): boolean {
  return tls.insecure || endpoint.startsWith("http://");
}

function isTarget(endpoint: string): boolean {
  return /^(https?:\/\/|dns:|ipv4:|ipv6:)?[^\s@?#]*:\d{1,5}\/?$/.test(endpoint);
}
