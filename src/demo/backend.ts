/** The OTLP backend of the demo: takes what leaves the agent and keeps it to be shown. */
import type { IncomingMessage, Server } from "node:http";
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import type { LogRecord } from "../data/log_record.ts";
import { decodeLogs } from "../otlp/decode_logs.ts";

/** Enough for the story; a demo that runs all night must not keep the night in memory. */
const RECORDS_KEPT_MAX = 20_000;

export interface Backend {
  readonly port: number;
  /** What arrived, oldest first, the first {@link RECORDS_KEPT_MAX} of them. */
  readonly records: readonly LogRecord[];
  /** The newest private numbers. */
  readonly numbers: readonly LogRecord[];
  readonly received: number;
  close(): void;
}

export async function startBackend(): Promise<Backend> {
  const records: LogRecord[] = [];
  const numbers: LogRecord[] = [];
  let received = 0;
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => {
        for (const record of decodeLogs(body).records) {
          received++;
          if (record.body === "dp.window") numbers.push(record);
          else if (records.length < RECORDS_KEPT_MAX) records.push(record);
        }
        numbers.splice(0, numbers.length - 100);
        response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
      },
      () => response.writeHead(400).end(),
    );
  });
  return {
    port: await listen(server),
    records,
    numbers,
    get received() {
      return received;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
}

/** Listens on a free port of the loopback interface. */
export async function listen(server: Server): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}
