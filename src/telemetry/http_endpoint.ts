/**
 * A small HTTP server for one of the agent's own pages: answers GET (and HEAD), nothing else.
 *
 * Invariant: it never keeps the process alive, and a client that sends slowly or much is cut off.
 */
import { lookup } from "node:dns/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { AgentError, describeError } from "../component/errors.ts";

export interface Endpoint {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** The page at a path; undefined when there is none. */
export type Pages = (path: string) => Page | undefined | Promise<Page | undefined>;

const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_SIZE_MAX = 8 * 1024;
const CONNECTIONS_MAX = 64;

export class HttpEndpoint {
  readonly #what: string;
  readonly #endpoint: Endpoint;
  readonly #server: Server;

  /** `what` is the key of the configuration that sets host and port; errors name it. */
  constructor(what: string, endpoint: Endpoint, pages: Pages) {
    this.#what = what;
    this.#endpoint = endpoint;
    this.#server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        maxHeaderSize: HEADERS_SIZE_MAX,
      },
      (request, response) => void answer(pages, request, response),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.unref();
  }

  /** The port that was taken. Throws before `start`. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Rejects with `telemetry.port_in_use` or `telemetry.cannot_listen`. */
  async start(): Promise<void> {
    const { host, port } = this.#endpoint;
    try {
      // As Go does, so that `localhost` means 127.0.0.1 where both exist.
      const { address } = await lookup(host, { order: "ipv4first" });
      await new Promise<void>((listening, failed) => {
        this.#server.once("error", failed);
        this.#server.listen(port, address, () => {
          this.#server.off("error", failed);
          listening();
        });
      });
    } catch (error) {
      const inUse = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      throw new AgentError(
        inUse ? "telemetry.port_in_use" : "telemetry.cannot_listen",
        inUse
          ? `${host}:${port} is in use; set another ${this.#what}, or stop what uses it`
          : `cannot listen on ${host}:${port} (${describeError(error)}); check ${this.#what}`,
        { cause: error },
      );
    }
  }

  async shutdown(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
}

async function answer(
  pages: Pages,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  const path = (request.url ?? "/").split("?", 1)[0]!;
  let page: Page | undefined;
  try {
    page = await pages(path);
  } catch {
    page = { status: 500, contentType: "text/plain", body: "the page could not be made\n" };
  }
  const { status, contentType, body } = page ?? {
    status: 404,
    contentType: "text/plain",
    body: "not found\n",
  };
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
  response.end(request.method === "HEAD" ? undefined : body);
}
