/** Configuration of the `otlp` receiver: the Collector's keys, and limits of our own. */
import { z } from "zod";
import { byteSize, durationMs } from "../../config/values.ts";
import type { Endpoint } from "../../src/lib/listening/endpoint.ts";
import { parseEndpoint, unixEndpoint } from "../../src/lib/listening/endpoint.ts";
import { serverTlsSchema } from "../../src/lib/listening/tls_config.ts";

const endpoint = z
  .string()
  .min(1)
  .describe("`host:port`; `localhost` is the loopback interface only. Or a path, see `transport`.");
const listenShape = {
  transport: z
    .enum(["tcp", "unix"])
    .default("tcp")
    .describe("unix: `endpoint` is the path of a Unix socket."),
  tls: serverTlsSchema
    .optional()
    .describe("TLS, mutual with `client_ca_file`; without it nothing is encrypted."),
  auth: z
    .strictObject({
      authenticator: z
        .string()
        .min(1)
        .describe("Id of a `bearertokenauth` or `basicauth` extension."),
    })
    .optional()
    .describe("Lets in only clients that show credentials."),
};
const endpointFits = {
  check: ({ endpoint, transport }: { endpoint: string; transport: string }): boolean =>
    transport === "unix" ? endpoint.startsWith("/") : parseEndpoint(endpoint) !== undefined,
  error: {
    path: ["endpoint"],
    error: ({ input }: { input?: unknown }) =>
      (input as { transport?: string }).transport === "unix"
        ? "expected the absolute path of a socket such as /run/vouchsafe/otlp.sock"
        : "expected host:port such as localhost:4318, 0.0.0.0:4318 or [::1]:4318",
  },
};

/** Where a protocol listens, from its checked configuration. */
export function endpointOf(config: {
  readonly endpoint: string;
  readonly transport: string;
}): Endpoint {
  return config.transport === "unix"
    ? unixEndpoint(config.endpoint)
    : parseEndpoint(config.endpoint)!;
}

const positiveSize = byteSize.refine((bytes) => bytes > 0, "must be larger than 0");
const maxConnections = z.int().min(1).default(512);

const cors = z.strictObject({
  allowed_origins: z
    .array(
      z
        .string()
        .min(1)
        .refine((origin) => origin.split("*").length <= 2, "may have one * only"),
    )
    .default([])
    .describe("Origins of pages that may send, such as https://*.example.com; * is all."),
  allowed_headers: z
    .array(z.string().min(1))
    .default([])
    .describe("Headers that pages may send beside accept, content-type and x-requested-with."),
  exposed_headers: z
    .array(z.string().min(1))
    .default([])
    .describe("Headers of the answer that pages may read."),
  max_age: z
    .int()
    .min(0)
    .default(0)
    .describe("Seconds for which a browser need not ask again; 0 leaves it to the browser."),
});

const COMPRESSIONS = ["", "gzip", "zstd", "zlib", "deflate"] as const;

const http = z.strictObject({
  endpoint: endpoint.default("localhost:4318"),
  ...listenShape,
  logs_url_path: z
    .string()
    .startsWith("/")
    .default("/v1/logs")
    .describe("Path to which clients post logs."),
  max_request_body_size: positiveSize
    .prefault("20MiB")
    .describe("Largest request, before and after decompression; a larger one is refused (413)."),
  compression_algorithms: z
    .array(
      z.enum(COMPRESSIONS, {
        error: 'this agent can undo gzip, zstd, zlib and deflate; "" is none',
      }),
    )
    .min(1)
    .default([...COMPRESSIONS])
    .describe('Compressions that clients may use; `""` is none.'),
  cors: cors.optional().describe("Which web pages may send (CORS); without it none may."),
  response_headers: z
    .record(z.string(), z.string())
    .default({})
    .describe("Headers of every answer."),
  max_connections: maxConnections.describe("Connections open at once; further ones are closed."),
  keep_alives_enabled: z
    .boolean()
    .default(true)
    .describe("Whether a connection stays open for the next request."),
  read_header_timeout: durationMs
    .prefault("10s")
    .describe("How long the headers of a request may take; 0 is for ever."),
  read_timeout: durationMs
    .prefault("30s")
    .describe("How long a whole request may take to arrive; 0 is for ever."),
  idle_timeout: durationMs
    .prefault("1m")
    .describe("How long a connection without a request stays open; 0 is for ever."),
});
const checkedHttp = http
  .refine(endpointFits.check, endpointFits.error)
  .refine(
    ({ read_header_timeout: headers, read_timeout: whole }) => whole === 0 || headers <= whole,
    { message: "must not be longer than read_timeout", path: ["read_header_timeout"] },
  );

const serverParameters = z
  .strictObject({
    max_connection_idle: durationMs
      .prefault("0")
      .describe("A connection without calls for this time is closed in good order; 0: never."),
    max_connection_age: durationMs
      .prefault("0")
      .describe("A connection of this age is closed in good order; 0: never."),
    max_connection_age_grace: durationMs
      .prefault("0")
      .describe("Time for calls under way after `max_connection_age`; 0: as long as they take."),
    time: durationMs
      .prefault("2h")
      .describe("A client from which nothing came for this time is asked whether it is there."),
    timeout: durationMs.prefault("20s").describe("How long its answer may take."),
  })
  .prefault({})
  .describe("Limits of connections.");

const grpc = z.strictObject({
  endpoint: endpoint.default("localhost:4317"),
  ...listenShape,
  max_recv_msg_size_mib: z
    .int()
    .min(1)
    .max(1024)
    .default(4)
    .describe("Largest message in MiB, before and after decompression."),
  max_concurrent_streams: z
    .int()
    .min(1)
    .default(100)
    .describe("Requests under way at once in one connection."),
  max_connections: maxConnections.describe("Connections open at once; further ones are closed."),
  read_timeout: durationMs
    .prefault("30s")
    .describe(
      "How long the message of a call may take to arrive, and a new client to speak HTTP/2; " +
        "0 is for ever. Not in the Collector.",
    ),
  keepalive: z
    .strictObject({ server_parameters: serverParameters })
    .optional()
    .describe("When idle, old and dead connections are closed."),
});
const checkedGrpc = grpc.refine(endpointFits.check, endpointFits.error);

const protocols = z
  .strictObject({
    // `http:` without anything behind it is null in YAML and means the defaults.
    http: checkedHttp
      .nullable()
      .transform((value) => value ?? http.parse({}))
      .optional()
      .describe("OTLP over HTTP, protobuf and JSON. On when the key is there."),
    grpc: checkedGrpc
      .nullable()
      .transform((value) => value ?? grpc.parse({}))
      .optional()
      .describe("OTLP over gRPC. On when the key is there."),
  })
  .refine(
    (value) => value.http !== undefined || value.grpc !== undefined,
    "must specify at least one protocol: `http:`, `grpc:` or both",
  );

export const configSchema = z
  .strictObject({
    protocols: protocols.describe("The protocols to listen for; at least one."),
    acknowledge_timeout: durationMs
      .refine((ms) => ms > 0, "must be longer than 0s")
      .prefault("10s")
      .describe(
        "How long a client waits until its records are safe; then it is asked to try again.",
      ),
    max_in_flight_bytes: positiveSize
      .prefault("64MiB")
      .describe("Decompressed bytes of all requests that are not finished; beyond, clients wait."),
    max_records: z
      .int()
      .min(1)
      .default(100_000)
      .describe("Records in one request; those beyond are rejected (partial success)."),
    max_values_per_record: z
      .int()
      .min(1)
      .default(10_000)
      .describe("Attributes and elements of a record at all levels; one with more is rejected."),
    max_nesting_depth: z
      .int()
      .min(1)
      .max(200)
      .default(64)
      .describe("Levels of arrays and maps in a value; a record with more is rejected."),
  })
  .refine(
    ({ protocols, max_in_flight_bytes }) =>
      max_in_flight_bytes >= (protocols.http?.max_request_body_size ?? 0) &&
      max_in_flight_bytes >= (protocols.grpc?.max_recv_msg_size_mib ?? 0) * 1024 * 1024,
    {
      message: "must be at least as large as the largest request that is allowed",
      path: ["max_in_flight_bytes"],
    },
  );

export type OtlpConfig = z.infer<typeof configSchema>;
export type ServerParameters = z.infer<typeof serverParameters>;
export type CorsConfig = z.infer<typeof cors>;
export type HttpConfig = NonNullable<OtlpConfig["protocols"]["http"]>;
export type GrpcConfig = NonNullable<OtlpConfig["protocols"]["grpc"]>;
