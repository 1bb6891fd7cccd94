/**
 * Where commands have entries recorded while the agent runs: a unix socket in the state directory.
 * One line of JSON in, one out, then the connection ends.
 *
 * Invariant: only entries of the kinds in `requestSchema` come in, of bounded size and number, and
 * an answer with an index is given only when the entry is on disk.
 *
 * Trust: `entries.sock` (0600 in a folder 0700). Whoever can connect, the agent's user and root, can
 * have accesses and erasures recorded under any name; nobody can read or remove anything by it.
 */
import { chmod, rm } from "node:fs/promises";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { AgentError, describeError } from "../../../src/component/errors.ts";
import type { EntryRequest } from "../format/entry.ts";
import { ENTRY_SIZE_BYTES_MAX, requestSchema } from "../format/entry.ts";

export const SOCKET_FILE = "entries.sock";
/** The kernel's bound for the path of a socket on Linux, without its end. */
const SOCKET_PATH_BYTES_MAX = 107;
const CONNECTIONS_MAX = 16;
const IDLE_MS = 10_000;

type Record = (request: EntryRequest) => Promise<number>;

export class EntryDoor {
  readonly #server: Server;
  /** Connections that have not asked anything yet. */
  readonly #silent: Set<Socket>;

  private constructor(server: Server, silent: Set<Socket>) {
    this.#server = server;
    this.#silent = silent;
  }

  /** The caller holds the lock on `directory`. Throws `storage.unwritable`. */
  static async open(directory: string, record: Record): Promise<EntryDoor> {
    const path = join(directory, SOCKET_FILE);
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
      throw new AgentError("storage.unwritable", `${path} is too long for a socket's path`);
    }
    // A killed agent leaves its socket behind; under the lock it is nobody's.
    await rm(path, { force: true });
    const silent = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      silent.add(socket);
      socket.once("close", () => silent.delete(socket));
      serve(socket, (request) => {
        silent.delete(socket);
        return record(request);
      });
    });
    server.maxConnections = CONNECTIONS_MAX;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(path, resolve);
    await promise;
    await chmod(path, 0o600);
    server.unref();
    return new EntryDoor(server, silent);
  }

  /** Takes no more requests; answers those that are under way first. */
  async close(): Promise<void> {
    for (const socket of this.#silent) socket.destroy();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }
}

function serve(socket: Socket, record: Record): void {
  let text = "";
  let isAnswered = false;
  socket.setEncoding("utf8");
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    if (isAnswered) return;
    text += String(chunk);
    const end = text.indexOf("\n");
    if (end < 0 && text.length <= ENTRY_SIZE_BYTES_MAX) return;
    isAnswered = true;
    void answer(text.slice(0, Math.max(0, end)), record).then((reply) => {
      socket.write(reply);
      socket.destroySoon();
    });
  });
  socket.on("end", () => {
    if (!isAnswered) socket.end();
  });
}

async function answer(line: string, record: Record): Promise<string> {
  try {
    return `${JSON.stringify({ index: await record(parseRequest(line)) })}\n`;
  } catch (error) {
    return `${JSON.stringify({ error: describeError(error) })}\n`;
  }
}

/** Throws `archive.entry_refused`; the message never quotes the line. */
export function parseRequest(line: string): EntryRequest {
  try {
    return requestSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new AgentError("archive.entry_refused", "this is no entry that a command may record", {
      cause,
    });
  }
}
