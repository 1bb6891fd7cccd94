/**
 * Syslog over TCP (RFC 6587) and TLS (RFC 5425).
 *
 * Invariant: a connection is read only while there is room, so that a slow backend slows its
 * senders down and nothing that was read is dropped. The protocol has no answer: what a sender has
 * handed to the network and the agent has not delivered is lost when the agent is killed.
 */
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Clock } from "../../src/component/settings.ts";
import type { Attributes } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Outlet } from "../../src/lib/delivery/outlet.ts";
import type { Frame, Framing } from "../../src/lib/framing/framer.ts";
import { Framer } from "../../src/lib/framing/framer.ts";
import { messageText } from "../../src/lib/framing/message_text.ts";
import { listen, parseEndpoint, portOf } from "../../src/lib/listening/endpoint.ts";
import type { ServerTls } from "../../src/lib/listening/server_tls.ts";
import type { EntryStream } from "../../src/lib/operators/entry_stream.ts";
import type { TcpConfig } from "./config.ts";
import { endAttributes } from "./ends.ts";
import type { Instruments } from "./instruments.ts";

/** Finds senders that are gone without a word. */
const KEEP_ALIVE_MS = 60_000;
/** How long senders have to close their side when the agent stops. */
const GOODBYE_MS = 1_000;

export interface ListenerServices {
  readonly clock: Clock;
  readonly outlet: Outlet;
  readonly instruments: Instruments;
  /** A stream for messages that come in order, with attributes of their origin. */
  readonly createStream: (attributes: Attributes) => EntryStream;
}

export class TcpListener {
  readonly #config: TcpConfig;
  readonly #framing: Framing;
  readonly #services: ListenerServices;
  readonly #tls: ServerTls | undefined;
  readonly #connections = new Map<Socket, Promise<void>>();
  #servers: readonly Server[] = [];

  constructor(
    config: TcpConfig,
    framing: Framing,
    services: ListenerServices,
    tls: ServerTls | undefined,
  ) {
    this.#config = config;
    this.#framing = framing;
    this.#services = services;
    this.#tls = tls;
  }

  get port(): number {
    return portOf(this.#servers[0]!);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** @throws AgentError `listening.port_in_use`, `listening.cannot_listen` */
  async start(): Promise<void> {
    const endpoint = parseEndpoint(this.#config.listen_address)!;
    this.#servers = await listen(endpoint, () => this.#createServer());
  }

  /**
   * Takes nothing new and says goodbye to the senders, so that those who listen send no more; what
   * comes in until they close, or for a moment, is taken. Resolves when all of it is handed on.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    for (const server of this.#servers) server.close();
    for (const socket of this.#connections.keys()) socket.end();
    const destroy = (): void => {
      for (const socket of this.#connections.keys()) socket.destroy();
      // Who waits for room goes on, and sees that the connection is over.
      this.#services.outlet.open();
    };
    const cancel = this.#services.clock.setTimer(GOODBYE_MS, destroy);
    deadline.addEventListener("abort", destroy, { once: true });
    if (deadline.aborted) destroy();
    await Promise.all(this.#connections.values());
    deadline.removeEventListener("abort", destroy);
    cancel();
    this.#tls?.close();
  }

  #createServer(): Server {
    const accept = (socket: Socket): void => this.#accept(socket);
    const options = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    let server: Server;
    if (this.#tls === undefined) server = createServer(options, accept);
    else {
      const secure = createTlsServer({ ...options, ...this.#tls.options() }, accept);
      secure.on("tlsClientError", (_error, socket) => {
        this.#services.instruments.closed("tls");
        socket.destroy();
      });
      server = this.#tls.keepFresh(secure);
    }
    server.maxConnections = this.#config.max_connections;
    return server;
  }

  #accept(socket: Socket): void {
    const served = this.#serve(socket).finally(() => this.#connections.delete(socket));
    this.#connections.set(socket, served);
  }

  /** Never rejects: a connection that breaks is one that ends. */
  async #serve(socket: Socket): Promise<void> {
    const { outlet, instruments } = this.#services;
    const framer = new Framer(this.#framing);
    const stream = this.#services.createStream(this.#attributesOf(socket));
    const limit = new ReadLimit(this.#services.clock, this.#config.read_timeout, () => {
      instruments.closed("read_timeout");
      socket.destroy();
    });
    try {
      for await (const piece of socket as AsyncIterable<Buffer>) {
        if (!outlet.tryTake(piece.length)) {
          // Time that the sender is made to wait is not its own.
          limit.stop();
          await outlet.take(piece.length);
        }
        outlet.add(piece.length, this.#recordsOf(stream, framer.push(piece)), undefined);
        limit.follow(framer.isInside);
      }
    } catch {
      if (socket.errored !== null) instruments.closed("broken");
    }
    limit.stop();
    const last = framer.end();
    const records = last === undefined ? [] : this.#recordsOf(stream, [last]);
    records.push(...stream.release());
    if (records.length > 0) outlet.add(0, records, undefined);
    socket.destroy();
  }

  #recordsOf(stream: EntryStream, frames: readonly Frame[]): LogRecord[] {
    const cut = frames.filter(({ isCut }) => isCut).length;
    if (cut > 0) this.#services.instruments.cut(cut);
    return stream.pushAll(frames.map(({ bytes }) => messageText(bytes, this.#config)));
  }

  #attributesOf(socket: Socket): Attributes {
    if (!this.#config.add_attributes) return {};
    return endAttributes("IP.TCP", {
      peerAddress: socket.remoteAddress ?? "",
      peerPort: socket.remotePort ?? 0,
      hostAddress: socket.localAddress ?? "",
      hostPort: socket.localPort ?? 0,
    });
  }
}

/** Ends a connection whose message takes too long to arrive. */
class ReadLimit {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #exceeded: () => void;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, timeoutMs: number, exceeded: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#exceeded = exceeded;
  }

  /** `isInside`: the newest piece ended inside a message. */
  follow(isInside: boolean): void {
    if (!isInside) this.stop();
    else if (this.#timeoutMs > 0) {
      this.#cancel ??= this.#clock.setTimer(this.#timeoutMs, this.#exceeded);
    }
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
