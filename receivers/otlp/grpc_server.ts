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
import type { ConnectionInjector, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { listen, portOf } from "../../src/lib/listening/endpoint.ts";
import { ServerTls } from "../../src/lib/listening/server_tls.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { encodeStatus, encodeSuccess, refusalOf } from "./answer.ts";
import type { GrpcConfig } from "./config.ts";
import type { Transport, TransportServices } from "./http_server.ts";

const MIB = 1024 * 1024;
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
    const { endpoint, settings } = this.#services;
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
  }

  /** Never rejects: every failure becomes an answer. */
  async #export(
    call: ServerUnaryCall<Buffer, Buffer>,
    callback: sendUnaryData<Buffer>,
  ): Promise<void> {
    const { intake, inFlight, limits, refused } = this.#services;
    const reservation = inFlight.open();
    try {
      const body = call.request;
      reservation.take(body.length);
      const receipt = await intake.take(body, (bytes) => decodeLogs(bytes, limits), reservation);
      callback(null, encodeSuccess(receipt.outcome, "protobuf"));
      if (!call.cancelled) receipt.answerSent();
    } catch (error) {
      const refusal = refusalOf(error);
      refused(refusal.reason);
      const metadata = new Metadata();
      metadata.set("grpc-status-details-bin", encodeStatus(refusal, "protobuf"));
      callback({ code: refusal.grpcStatus, details: refusal.message, metadata });
    } finally {
      reservation.close();
    }
  }
}
