/** A real HTTP server that takes OTLP logs, for the tests of this exporter. */
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, Server } from "node:http";
import { createServer } from "node:http";
import type { ServerOptions } from "node:https";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import type { LogRecord } from "../../src/data/log_record.ts";
import { decodeLogsJson } from "../../src/otlp/decode_json.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly records: readonly LogRecord[];
}

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** `hang` never answers, `cut` closes the connection, `cut_answer` does so inside of the answer. */
export type Behaviour = Answer | "hang" | "cut" | "cut_answer";

export class TestBackend {
  readonly received: Received[] = [];
  /** What to do with the next requests; when it is empty, `judge` decides, then `otherwise`. */
  readonly script: Behaviour[] = [];
  judge: ((request: Received) => Behaviour | Promise<Behaviour>) | undefined;
  otherwise: Behaviour = { status: 200 };
  /** Requests that are not answered yet. */
  open = 0;
  openMax = 0;
  /** Connections that were ever made. */
  connections = 0;
  readonly #server: Server;
  #scheme = "http";

  private constructor(tls: ServerOptions | undefined) {
    const listener: RequestListener = (request, response) => {
      void this.#take(request).then((behaviour) => {
        if (behaviour === "hang") return;
        this.open -= 1;
        if (behaviour === "cut") {
          request.socket.destroy();
        } else if (behaviour === "cut_answer") {
          response.writeHead(200, { "content-length": "100" });
          response.write("x", () => request.socket.destroy());
        } else {
          response.writeHead(behaviour.status, behaviour.headers ?? {});
          response.end(behaviour.body ?? "");
        }
      });
    };
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    this.#server.on("connection", () => {
      this.connections += 1;
    });
    if (tls !== undefined) this.#scheme = "https";
  }

  static async start(test: TestContext, port = 0, tls?: ServerOptions): Promise<TestBackend> {
    const backend = new TestBackend(tls);
    const server = backend.#server;
    await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
    test.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return backend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://${this.#scheme === "http" ? "127.0.0.1" : "localhost"}:${this.port}`;
  }

  get records(): LogRecord[] {
    return this.received.flatMap(({ records }) => records);
  }

  /** Frees the port. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }

  async #take(request: IncomingMessage): Promise<Behaviour> {
    this.open += 1;
    this.openMax = Math.max(this.openMax, this.open);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    let body = Buffer.concat(chunks);
    if (request.headers["content-encoding"] === "gzip") body = gunzipSync(body);
    const json = request.headers["content-type"] === "application/json";
    const { records } = json ? decodeLogsJson(body) : decodeLogs(body);
    const received = { path: request.url ?? "", headers: request.headers, records };
    this.received.push(received);
    return this.script.shift() ?? this.judge?.(received) ?? this.otherwise;
  }
}
