/**
 * Syslog over UDP (RFC 5426): a datagram is a message.
 *
 * Invariant: a datagram is taken or counted as dropped. Nothing can make its sender wait, so this
 * is the one way by which messages that reached the host can get lost while the agent runs; those
 * that the operating system drops before the agent sees them are in its statistics alone.
 */
import type { RemoteInfo, Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Attributes } from "../../src/data/any_value.ts";
import { messageText } from "../../src/lib/framing/message_text.ts";
import { listenError, parseEndpoint } from "../../src/lib/listening/endpoint.ts";
import type { EntryStream } from "../../src/lib/operators/entry_stream.ts";
import type { UdpConfig } from "./config.ts";
import { endAttributes } from "./ends.ts";
import type { ListenerServices } from "./tcp_listener.ts";

/** Senders whose attributes are remembered; beyond it all are made anew. */
const SENDERS_MAX = 1000;
const isTrailing = (byte: number | undefined): boolean =>
  byte === 0x0a || byte === 0x0d || byte === 0x00;

export class UdpListener {
  readonly #config: UdpConfig;
  readonly #services: ListenerServices;
  readonly #sockets: Socket[] = [];
  readonly #streams = new Map<string, EntryStream>();

  constructor(config: UdpConfig, services: ListenerServices) {
    this.#config = config;
    this.#services = services;
  }

  get port(): number {
    return this.#sockets[0]!.address().port;
  }

  /** @throws AgentError `listening.port_in_use`, `listening.cannot_listen` */
  async start(): Promise<void> {
    const endpoint = parseEndpoint(this.#config.listen_address)!;
    const hosts = endpoint.host === "localhost" ? ["127.0.0.1", "::1"] : [endpoint.host];
    let { port } = endpoint;
    for (const host of hosts) {
      try {
        const socket = await this.#bind(host, port);
        this.#sockets.push(socket);
        ({ port } = socket.address());
      } catch (error) {
        // A machine without IPv6 still has the other loopback address.
        if (host === "::1" && this.#sockets.length > 0) continue;
        await this.stop();
        throw listenError(endpoint, error);
      }
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.splice(0)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.close(() => resolve());
      await promise;
    }
    this.#releaseAll();
  }

  async #bind(host: string, port: number): Promise<Socket> {
    const size = this.#config.receive_buffer_size;
    const isV6 = host === "" || isIPv6(host);
    const socket = createSocket({
      type: isV6 ? "udp6" : "udp4",
      // Without a host both families come to one socket; otherwise each has its own.
      ipv6Only: isV6 && host !== "",
      ...(size !== undefined && { recvBufferSize: size }),
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("error", reject);
    socket.bind({ port, ...(host !== "" && { address: host }) }, resolve);
    try {
      await promise;
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.removeListener("error", reject);
    // Errors about single datagrams are the network's.
    socket.on("error", () => {});
    socket.on("message", (bytes, from) => this.#receive(socket, bytes, from));
    return socket;
  }

  #receive(socket: Socket, bytes: Buffer, from: RemoteInfo): void {
    const { outlet, instruments } = this.#services;
    let { length } = bytes;
    while (isTrailing(bytes[length - 1])) length--;
    if (length === 0) return;
    if (!outlet.tryTake(length)) {
      instruments.dropped("overloaded");
      return;
    }
    const text = messageText(bytes.subarray(0, length), this.#config);
    outlet.add(length, this.#streamOf(socket, from).pushAll([text]), undefined);
  }

  /** One for each sender, where that matters: for its attributes. */
  #streamOf(socket: Socket, from: RemoteInfo): EntryStream {
    const { add_attributes: addsAttributes } = this.#config;
    const key = addsAttributes ? `${from.address} ${from.port}` : "";
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    if (this.#streams.size >= SENDERS_MAX) this.#releaseAll();
    const stream = this.#services.createStream(
      addsAttributes ? this.#attributesOf(socket, from) : {},
    );
    this.#streams.set(key, stream);
    return stream;
  }

  #attributesOf(socket: Socket, from: RemoteInfo): Attributes {
    const { address, port } = socket.address();
    return endAttributes("IP.UDP", {
      ...{ peerAddress: from.address, peerPort: from.port },
      ...{ hostAddress: address, hostPort: port },
    });
  }

  #releaseAll(): void {
    const records = [...this.#streams.values()].flatMap((stream) => stream.release());
    this.#streams.clear();
    if (records.length > 0) this.#services.outlet.add(0, records, undefined);
  }
}
