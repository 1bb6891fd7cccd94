/** HTTP of a witness: `POST /add-checkpoint`, `GET /<SHA-256 of the origin>/checkpoint`. */
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Witness } from "./witness.ts";

/** 63 hashes and a note with 64 signatures are below this. */
const BODY_BYTES_MAX = 64 * 1024;
const CONNECTIONS_MAX = 256;
const REQUEST_MS_MAX = 10_000;

export interface WitnessServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `onError` is told of what answers 500. Rejects when the address cannot be listened on. */
export async function serveWitness(
  witness: Witness,
  { host, port }: { readonly host: string; readonly port: number },
  onError: (error: unknown) => void,
): Promise<WitnessServer> {
  const server = createServer({ requestTimeout: REQUEST_MS_MAX }, (request, response) => {
    answer(witness, request, response).catch((error: unknown) => {
      onError(error);
      if (!response.headersSent) send(response, 500, "it cannot be answered at the moment\n");
      else response.destroy();
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(port, host);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(
  witness: Witness,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, url } = request;
  const hash = /^\/([0-9a-f]{64})\/checkpoint$/.exec(url ?? "")?.[1];
  if (method === "GET" && hash !== undefined) {
    const note = await witness.latest(hash);
    return send(response, note === undefined ? 404 : 200, note ?? "no checkpoint was cosigned\n");
  }
  if (url !== "/add-checkpoint") return send(response, 404, "there is nothing here\n");
  if (method !== "POST") return send(response, 405, "add-checkpoint is a POST\n");
  const body = await readBody(request);
  if (body === undefined) return send(response, 413, "it is too long\n");
  const { status, body: text } = await witness.addCheckpoint(body);
  send(response, status, text, status === 409 ? "text/x.tlog.size" : undefined);
}

/** Undefined when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, { "content-type": type }).end(body);
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  await closed;
}
