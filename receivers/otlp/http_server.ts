/**
 * OTLP over HTTP (OTLP specification, section "OTLP/HTTP").
 *
 * Invariant: every request that arrives whole is answered once, with a body in the encoding that
 * the client speaks; what cannot be taken is refused with the status that tells it what to do.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Server as SecureServer } from "node:https";
import { createServer as createSecureServer } from "node:https";
import type { Authenticator } from "../../src/component/authenticator.ts";
import { AgentError } from "../../src/component/errors.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { Endpoint } from "../../src/lib/listening/endpoint.ts";
import { listen, portOf } from "../../src/lib/listening/endpoint.ts";
import { ServerTls } from "../../src/lib/listening/server_tls.ts";
import { decodeLogsJson } from "../../src/otlp/decode_json.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import type { DecodeLimits } from "../../src/otlp/limits.ts";
import type { Encoding, Refusal } from "./answer.ts";
import { encodeStatus, encodeSuccess, refusalOf, retryAfterSeconds } from "./answer.ts";
import type { HttpConfig } from "./config.ts";
import { Cors } from "./cors.ts";
import type { InFlightBytes } from "./in_flight.ts";
import type { Intake } from "./intake.ts";
import { readBody } from "./request_body.ts";

export interface Transport {
  /** @throws AgentError `listening.port_in_use`, `.cannot_listen`, `.tls_file`, `auth.unusable` */
  start(): Promise<void>;
  /** The port that is listened on, once started. */
  readonly port: number;
  /** Accepts nothing new; resolves when all connections are closed. */
  stop(): Promise<void>;
  /** Closes what is still open. */
  abort(): void;
}

export interface TransportServices {
  readonly settings: Pick<Settings, "clock" | "logger">;
  readonly endpoint: Endpoint;
  /** Undefined: everybody may send. */
  readonly openAuthenticator: () => Promise<Authenticator | undefined>;
  readonly intake: Intake;
  readonly inFlight: InFlightBytes;
  readonly limits: DecodeLimits;
  /** Counts a refused request. */
  readonly refused: (reason: string) => void;
}

const CONTENT_TYPES: Readonly<Record<string, Encoding>> = {
  "application/x-protobuf": "protobuf",
  "application/json": "json",
};
const CONTENT_TYPE_OF: Readonly<Record<Encoding, string>> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
};
const HEADER_SIZE_MAX = 16 * 1024;
/** How often node looks for requests that take too long. */
const TIMEOUT_CHECK_MS = 1_000;

export class HttpTransport implements Transport {
  readonly #config: HttpConfig;
  readonly #services: TransportServices;
  readonly #cors: Cors | undefined;
  readonly #compressions: ReadonlySet<string>;
  #servers: readonly (Server | SecureServer)[] = [];
  #tls: ServerTls | undefined;
  #authenticator: Authenticator | undefined;
  #stopping = false;

  constructor(config: HttpConfig, services: TransportServices) {
    this.#config = config;
    this.#services = services;
    this.#cors = config.cors && new Cors(config.cors);
    this.#compressions = new Set(config.compression_algorithms.map((name) => name || "identity"));
  }

  get port(): number {
    return portOf(this.#servers[0]!);
  }

  async start(): Promise<void> {
    const { endpoint, settings, openAuthenticator } = this.#services;
    this.#authenticator = await openAuthenticator();
    const { tls } = this.#config;
    if (tls !== undefined) this.#tls = await ServerTls.open(tls, settings);
    this.#servers = (await listen(endpoint, () => this.#createServer())) as Server[];
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(
      this.#servers.map((server) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        server.close(() => resolve());
        server.closeIdleConnections();
        return promise;
      }),
    );
    this.#tls?.close();
  }

  abort(): void {
    for (const server of this.#servers) server.closeAllConnections();
  }

  #createServer(): Server | SecureServer {
    const config = this.#config;
    const options = {
      headersTimeout: Math.ceil(config.read_header_timeout),
      requestTimeout: Math.ceil(config.read_timeout),
      keepAliveTimeout: Math.ceil(config.idle_timeout),
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      maxHeaderSize: HEADER_SIZE_MAX,
    };
    const handle = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#handle(request, response);
    let server: Server | SecureServer;
    if (this.#tls === undefined) server = createServer(options, handle);
    else {
      const secure = createSecureServer({ ...options, ...this.#tls.options() }, handle);
      secure.on("tlsClientError", (_error, socket) => {
        this.#services.refused("tls");
        socket.destroy();
      });
      server = this.#tls.keepFresh(secure);
    }
    server.maxConnections = config.max_connections;
    return server;
  }

  /** Never rejects: every failure becomes an answer. */
  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, method } = request;
    for (const [name, value] of Object.entries(this.#config.response_headers)) {
      response.setHeader(name, value);
    }
    const preflight = this.#cors?.preflightHeaders(method, headers);
    if (preflight !== undefined) {
      response.writeHead(204, preflight).end();
      return;
    }
    for (const [name, value] of Object.entries(this.#cors?.answerHeaders(headers) ?? {})) {
      response.setHeader(name, value);
    }
    const encoding = CONTENT_TYPES[mediaType(request)];
    const refusal =
      (await this.#refuseStranger(request)) ?? this.#refuseByHeader(request, encoding);
    if (refusal !== undefined) {
      this.#refuse(response, refusal, encoding ?? "json");
      return;
    }
    const reservation = this.#services.inFlight.open();
    try {
      const { max_request_body_size: sizeMax } = this.#config;
      const body = await readBody(request, contentEncoding(request), sizeMax, reservation);
      const { intake, limits } = this.#services;
      const decode = encoding === "json" ? decodeLogsJson : decodeLogs;
      const receipt = await intake.take(body, (bytes) => decode(bytes, limits), reservation);
      response.once("finish", receipt.answerSent);
      this.#send(response, 200, encoding!, encodeSuccess(receipt.outcome, encoding!));
    } catch (error) {
      this.#refuse(response, refusalOf(error), encoding!);
    } finally {
      reservation.close();
    }
  }

  async #refuseStranger({ headers }: IncomingMessage): Promise<Refusal | undefined> {
    const known = await this.#authenticator?.authenticate((name) => {
      const value = headers[name];
      return Array.isArray(value) ? value[0] : value;
    });
    if (known !== false) return undefined;
    return refusalOf(new AgentError("otlp.unauthenticated", "show valid credentials"));
  }

  /** What can be said before the body is read. */
  #refuseByHeader(request: IncomingMessage, encoding: Encoding | undefined): Refusal | undefined {
    const path = (request.url ?? "").split("?", 1)[0]!;
    const { logs_url_path: logsPath } = this.#config;
    if (path !== logsPath) {
      const signal = /^\/v1\/(traces|metrics)$/.exec(path)?.[1];
      const why = signal === undefined ? "" : `this agent takes logs, not ${signal}; `;
      return refuse(404, "not_found", `${why}logs are posted to ${logsPath}`);
    }
    if (request.method !== "POST") {
      return refuse(405, "method_not_allowed", "logs are sent with POST");
    }
    if (encoding === undefined) {
      const types = Object.keys(CONTENT_TYPES).join(" or ");
      return refuse(415, "content_type", `the content type must be ${types}`);
    }
    const compression = contentEncoding(request);
    if (!this.#compressions.has(compression)) {
      const known = [...this.#compressions].join(", ");
      return refuse(415, "content_encoding", `the content encoding must be one of ${known}`);
    }
    return undefined;
  }

  #refuse(response: ServerResponse, refusal: Refusal, encoding: Encoding): void {
    this.#services.refused(refusal.reason);
    if (response.destroyed) return;
    if (refusal.httpStatus === 401) {
      response.setHeader("www-authenticate", this.#authenticator!.challenge);
    }
    if (refusal.httpStatus === 405) response.setHeader("allow", "POST");
    if (refusal.httpStatus === 415) {
      response.setHeader("accept", Object.keys(CONTENT_TYPES).join(", "));
      response.setHeader("accept-encoding", [...this.#compressions].join(", "));
    }
    if (refusal.retryAfterMs !== undefined) {
      response.setHeader("retry-after", retryAfterSeconds(refusal));
    }
    this.#send(response, refusal.httpStatus, encoding, encodeStatus(refusal, encoding));
  }

  #send(response: ServerResponse, status: number, encoding: Encoding, body: Buffer): void {
    if (this.#stopping || !this.#config.keep_alives_enabled)
      response.setHeader("connection", "close");
    response.writeHead(status, {
      "content-type": CONTENT_TYPE_OF[encoding],
      "content-length": body.length,
    });
    response.end(body);
  }
}

function mediaType(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
}

function contentEncoding(request: IncomingMessage): string {
  return (request.headers["content-encoding"] ?? "").trim().toLowerCase() || "identity";
}

function refuse(httpStatus: number, reason: string, message: string): Refusal {
  return { httpStatus, grpcStatus: 3, message, retryAfterMs: undefined, reason };
}
