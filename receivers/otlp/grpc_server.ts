/**
 * OTLP over gRPC: `opentelemetry.proto.collector.logs.v1.LogsService/Export`.
 *
 * Invariant: every call is answered once, with the status that tells the client what to do
 * (OTLP specification, section "OTLP/gRPC"). Messages are decoded by us, from raw bytes; gzip and
 * deflate are undone by grpc-js, which holds the size limit before and after.
 */
import type { Server as NetServer, Socket } from "node:net";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type {
  ConnectionInjector,
  ServerInterceptingCallInterface,
  ServerOptions,
  ServerUnaryCall,
  sendUnaryData,
} from "@grpc/grpc-js";
import {
  Metadata,
  ResponderBuilder,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  ServerListenerBuilder,
} from "@grpc/grpc-js";
import type { Authenticator } from "../../src/component/authenticator.ts";
import { AgentError } from "../../src/component/errors.ts";
import { listen, portOf } from "../../src/lib/listening/endpoint.ts";
import { ServerTls } from "../../src/lib/listening/server_tls.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { encodeStatus, encodeSuccess, refusalOf } from "./answer.ts";
import type { GrpcConfig, ServerParameters } from "./config.ts";
import type { Transport, TransportServices } from "./http_server.ts";

const MIB = 1024 * 1024;
/** RFC 9113 section 3.4: what every client says first. */
const PREFACE_BYTES = 24;
const SERVICE = "opentelemetry.proto.collector.logs.v1.LogsService";
const asIs = (bytes: Buffer): Buffer => bytes;
const LOGS_SERVICE = {
  Export: {
    path: `/${SERVICE}/Export`,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const;

export class GrpcTransport implements Transport {
  readonly #config: GrpcConfig;
  readonly #services: TransportServices;
  readonly #server: Server;
  #authenticator: Authenticator | undefined;
  #injector: ConnectionInjector | undefined;
  #listeners: readonly NetServer[] = [];
  #tls: ServerTls | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(config: GrpcConfig, services: TransportServices) {
    this.#config = config;
    this.#services = services;
    this.#server = new Server({
      "grpc.max_receive_message_length": config.max_recv_msg_size_mib * MIB,
      "grpc.max_concurrent_streams": config.max_concurrent_streams,
      ...keepaliveOptions(config.keepalive?.server_parameters),
      interceptors: [(_method, call) => this.#guard(call)],
    });
    this.#server.addService(LOGS_SERVICE, {
      Export: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
        void this.#export(call, callback),
    });
  }

  get port(): number {
    return portOf(this.#listeners[0]!);
  }

  /** We listen, and hand connections over: so both protocols share limits and error messages. */
  async start(): Promise<void> {
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const { endpoint, settings, openAuthenticator } = this.#services;
    this.#authenticator = await openAuthenticator();
    const { tls } = this.#config;
    if (tls !== undefined) this.#tls = await ServerTls.open(tls, settings);
    this.#listeners = await listen(endpoint, () => {
      const listener = this.#createListener();
      listener.maxConnections = this.#config.max_connections;
      return listener;
    });
  }

  async stop(): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    // Says goodbye to each client and waits for the calls under way.
    this.#server.tryShutdown(() => resolve());
    await promise;
    this.#tls?.close();
  }

  abort(): void {
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
  }

  #createListener(): NetServer {
    const accept = (socket: Socket): void => this.#accept(socket);
    if (this.#tls === undefined) return createServer(accept);
    const secure = createTlsServer({ ...this.#tls.options(), ALPNProtocols: ["h2"] }, accept);
    secure.on("tlsClientError", (_error, socket) => {
      this.#services.refused("tls");
      socket.destroy();
    });
    return this.#tls.keepFresh(secure);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    // A client that breaks the connection is no error of ours.
    socket.on("error", () => socket.destroy());
    this.#injector!.injectConnection(socket);
    const stopTimer = this.#afterReadTimeout(() => {
      if (socket.bytesRead < PREFACE_BYTES) socket.destroy();
    });
    socket.once("close", stopTimer);
  }

  /** Asks for credentials before the message is read, and ends calls whose message is too slow. */
  #guard(call: ServerInterceptingCallInterface): ServerInterceptingCall {
    const refuse = (error: AgentError): void => call.sendStatus(this.#refuse(error));
    const stopTimer = this.#afterReadTimeout(() => {
      const problem = `the message did not arrive within ${this.#config.read_timeout} ms`;
      refuse(new AgentError("otlp.too_slow", problem));
    });
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        void this.#isKnown(metadata).then((isKnown) => {
          if (isKnown) return next(metadata);
          stopTimer();
          refuse(new AgentError("otlp.unauthenticated", "show valid credentials"));
        });
      })
      .withOnReceiveMessage((message, next) => {
        stopTimer();
        next(message);
      })
      .withOnCancel(stopTimer);
    const responder = new ResponderBuilder().withStart((next) => next(listener.build()));
    return new ServerInterceptingCall(call, responder.build());
  }

  async #isKnown(metadata: Metadata): Promise<boolean> {
    if (this.#authenticator === undefined) return true;
    return this.#authenticator.authenticate((name) => {
      const [value] = metadata.get(name);
      return value === undefined || typeof value === "string" ? value : value.toString("latin1");
    });
  }

  #afterReadTimeout(callback: () => void): () => void {
    const { read_timeout: timeoutMs } = this.#config;
    return timeoutMs === 0 ? () => {} : this.#services.settings.clock.setTimer(timeoutMs, callback);
  }

  /** The status of a call that fails; it is counted. */
  #refuse(error: unknown): { code: number; details: string; metadata: Metadata } {
    const refusal = refusalOf(error);
    this.#services.refused(refusal.reason);
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", encodeStatus(refusal, "protobuf"));
    return { code: refusal.grpcStatus, details: refusal.message, metadata };
  }

  /** Never rejects: every failure becomes an answer. */
  async #export(
    call: ServerUnaryCall<Buffer, Buffer>,
    callback: sendUnaryData<Buffer>,
  ): Promise<void> {
    const { intake, inFlight, limits } = this.#services;
    const reservation = inFlight.open();
    try {
      const body = call.request;
      reservation.take(body.length);
      const receipt = await intake.take(body, (bytes) => decodeLogs(bytes, limits), reservation);
      callback(null, encodeSuccess(receipt.outcome, "protobuf"));
      if (!call.cancelled) receipt.answerSent();
    } catch (error) {
      callback(this.#refuse(error));
    } finally {
      reservation.close();
    }
  }
}

function keepaliveOptions(parameters: ServerParameters | undefined): ServerOptions {
  if (parameters === undefined) return {};
  const whenSet = (name: string, ms: number): ServerOptions => (ms > 0 ? { [name]: ms } : {});
  return {
    ...whenSet("grpc.max_connection_idle_ms", parameters.max_connection_idle),
    ...whenSet("grpc.max_connection_age_ms", parameters.max_connection_age),
    ...whenSet("grpc.max_connection_age_grace_ms", parameters.max_connection_age_grace),
    ...whenSet("grpc.keepalive_time_ms", parameters.time),
    ...whenSet("grpc.keepalive_timeout_ms", parameters.timeout),
  };
}
