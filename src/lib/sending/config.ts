/** Configuration that exporters which send to a backend share; the keys are the Collector's. */
import { validateHeaderName, validateHeaderValue } from "node:http";
import { z } from "zod";
import { byteSize, durationMs } from "../../../config/values.ts";
import type { QueueOptions } from "../../component/queue.ts";
import { Secret } from "../secret.ts";

/** Set by the exporter itself; another value would contradict what it sends. */
const OWN_HEADERS = new Set(["content-type", "content-encoding", "content-length"]);

export const sendingQueueSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe("`false` sends one request at a time, as if `num_consumers` were 1."),
    num_consumers: z.int().min(1).max(1000).default(10).describe("Requests under way at a time."),
    storage: z
      .string()
      .optional()
      .describe("A `file_storage` extension. With it there is a durable, encrypted queue."),
    sizer: z
      .enum(["requests", "items", "bytes"])
      .default("requests")
      .describe("What `queue_size` counts: batches, records or bytes on disk."),
    queue_size: z
      .int()
      .min(1)
      .default(1000)
      .describe("How much may wait in the durable queue. (Without `storage` nothing waits.)"),
    max_bytes: byteSize
      .refine((bytes) => bytes >= 1024 * 1024, "must be at least 1MiB")
      .prefault("1GiB")
      .describe("Bytes on disk that may wait, whatever `sizer` counts."),
    block_on_overflow: z
      .boolean()
      .default(true)
      .describe("`false` drops what finds no room, counted, instead of making receivers wait."),
    key_file: z
      .string()
      .optional()
      .describe("File of the queue's key (32 random bytes, mode 0600); by default one is made."),
    dead_letter_max_bytes: byteSize
      .prefault("64MiB")
      .describe("Bytes of batches refused for good that are kept, encrypted; `0` keeps none."),
  })
  .superRefine(({ enabled, storage }, context) => {
    if (enabled || storage === undefined) return;
    context.addIssue({ code: "custom", path: ["storage"], message: "needs enabled: true" });
  });

export const retryOnFailureSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe("`false` gives a failed batch back to the pipeline after one attempt."),
  initial_interval: durationMs.prefault("5s").describe("Wait before the second attempt."),
  randomization_factor: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("Each wait is chosen at random within this share below and above its length."),
  multiplier: z.number().min(1).default(1.5).describe("Factor from one wait to the next."),
  max_interval: durationMs.prefault("30s").describe("Longest wait, before randomization."),
  max_elapsed_time: durationMs
    .prefault("300s")
    .describe("After this time the batch is given back to the pipeline; `0` never gives up."),
});

export type SendingQueue = z.output<typeof sendingQueueSchema>;
export type RetryOnFailure = z.output<typeof retryOnFailureSchema>;

/** The base URL of a backend over HTTP. */
export const backendUrlSchema = z.string().superRefine((text, context) => {
  const problem = urlProblem(text);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
});

/** Undefined without `storage`: then there is no queue, and a batch stays with its receiver. */
export function queueOptions(queue: SendingQueue): QueueOptions | undefined {
  if (queue.storage === undefined) return undefined;
  return {
    capacity: queue.queue_size,
    sizer: queue.sizer,
    bytesMax: queue.max_bytes,
    consumers: queue.num_consumers,
    blockOnOverflow: queue.block_on_overflow,
    storage: queue.storage,
    keyFile: queue.key_file,
    deadLetterBytesMax: queue.dead_letter_max_bytes,
  };
}

export const headersSchema = z
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

export const tlsClientSchema = z.strictObject({
  insecure: z
    .boolean()
    .default(false)
    .describe("No TLS. An endpoint with a scheme (`http://`) says it already."),
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

export type TlsClient = z.output<typeof tlsClientSchema>;

function urlProblem(text: string): string | undefined {
  if (!/^https?:\/\//.test(text)) return "must begin with http:// or https://";
  if (!URL.canParse(text)) return "is not a URL";
  const { username, password } = new URL(text);
  if (username !== "" || password !== "") {
    return "must hold no user name or password; put them into headers.authorization";
  }
  return undefined;
}
