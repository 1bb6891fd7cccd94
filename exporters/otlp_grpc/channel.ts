/**
 * The connections to the backend, and one call over them.
 *
 * Invariant: grpc-js tries nothing again on its own and sees no environment variable; balancing and
 * reconnecting are its own. A certificate that cannot be used is found at the start.
 */
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { ChannelCredentials, Client, ClientUnaryCall, Metadata } from "@grpc/grpc-js";
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { Clock } from "../../src/component/settings.ts";
import type { Outcome } from "../../src/lib/sending/sender.ts";
import { rejectedRecords } from "../../src/otlp/partial_success.ts";
import type { Config } from "./config.ts";
import { isInsecure, targetOf } from "./config.ts";
import { outcomeOf } from "./status.ts";

type Grpc = typeof import("@grpc/grpc-js");

const PATH = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const asIs = (bytes: Buffer): Buffer => bytes;
const GZIP = 2;
const UNCOMPRESSED = 0;

export class Channel {
  readonly #config: Config;
  readonly #client: Client;
  readonly #metadata: Metadata;
  readonly #clock: Clock;

  private constructor(config: Config, client: Client, metadata: Metadata, clock: Clock) {
    this.#config = config;
    this.#client = client;
    this.#metadata = metadata;
    this.#clock = clock;
  }

  /** @throws AgentError `otlp_grpc.tls_file` */
  static async open(config: Config, clock: Clock): Promise<Channel> {
    // 2 MB that an agent without gRPC need not load.
    const grpc = await import("@grpc/grpc-js");
    const credentials = await createCredentials(grpc, config);
    const client = new grpc.Client(targetOf(config), credentials, optionsOf(config));
    const metadata = new grpc.Metadata({ waitForReady: config.wait_for_ready });
    for (const [name, secret] of config.headers) metadata.set(name, secret.reveal());
    return new Channel(config, client, metadata, clock);
  }

  /** One request. Past `timeout`, or when `stop` aborts, the call is cut. */
  async send(body: Buffer, stop: AbortSignal): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    let call: ClientUnaryCall | undefined;
    const cut = (reason: string): void => {
      resolve({ kind: "retryable", reason });
      call?.cancel();
    };
    const onStop = (): void => cut("the agent is stopping");
    const { timeout } = this.#config;
    const cancel = this.#clock.setTimer(timeout, () => cut(`no answer within ${timeout} ms`));
    stop.addEventListener("abort", onStop, { once: true });
    const metadata = this.#metadata.clone();
    call = this.#client.makeUnaryRequest(PATH, asIs, asIs, body, metadata, (error, answer) => {
      if (error !== null) resolve(outcomeOf(error));
      else resolve({ kind: "sent", rejectedRecords: rejectedRecords(answer ?? EMPTY, "") });
    });
    if (stop.aborted) onStop();
    try {
      return await promise;
    } finally {
      cancel();
      stop.removeEventListener("abort", onStop);
    }
  }

  close(): void {
    this.#client.close();
  }
}

const EMPTY = Buffer.alloc(0);

function optionsOf(config: Config): Record<string, string | number> {
  const { keepalive, retry_on_failure: retry, tls } = config;
  return {
    "grpc.default_compression_algorithm": config.compression === "gzip" ? GZIP : UNCOMPRESSED,
    "grpc.max_send_message_length": -1,
    "grpc.enable_retries": 0,
    "grpc.enable_http_proxy": 0,
    "grpc.primary_user_agent": "vouchsafe",
    "grpc.initial_reconnect_backoff_ms": Math.max(100, Math.min(1000, retry.initial_interval)),
    "grpc.max_reconnect_backoff_ms": Math.max(1000, retry.max_interval),
    "grpc.service_config": JSON.stringify({
      loadBalancingConfig: [{ [config.balancer_name]: {} }],
    }),
    "grpc.service_config_disable_resolution": 1,
    ...(config.authority !== undefined && { "grpc.default_authority": config.authority }),
    ...(tls.server_name_override !== undefined && {
      "grpc.ssl_target_name_override": tls.server_name_override,
    }),
    ...(keepalive !== undefined && {
      "grpc.keepalive_time_ms": keepalive.time,
      "grpc.keepalive_timeout_ms": keepalive.timeout,
      "grpc.keepalive_permit_without_calls": keepalive.permit_without_stream ? 1 : 0,
    }),
  };
}

async function createCredentials(grpc: Grpc, config: Config): Promise<ChannelCredentials> {
  if (isInsecure(config)) return grpc.credentials.createInsecure();
  const { tls } = config;
  const [ca, cert, key] = await Promise.all([tls.ca_file, tls.cert_file, tls.key_file].map(pem));
  try {
    const context = createSecureContext({
      minVersion: `TLSv${tls.min_version}`,
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
    });
    return grpc.credentials.createFromSecureContext(context, {
      rejectUnauthorized: !tls.insecure_skip_verify,
    });
  } catch (error) {
    const files = [tls.ca_file, tls.cert_file, tls.key_file].filter((path) => path !== undefined);
    throw tlsFileError(`${files.join(", ")}: not usable together`, error);
  }
}

async function pem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw tlsFileError(`${path}: cannot be read`, error);
  }
}

function tlsFileError(problem: string, cause: unknown): AgentError {
  const message = `${problem} (${describeError(cause)})`;
  return new AgentError("otlp_grpc.tls_file", message, { cause });
}
