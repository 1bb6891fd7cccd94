/**
 * `host:port` endpoints, or paths of Unix sockets, and listening on them, for all receivers.
 *
 * Invariant: `localhost` is the loopback interface and nothing else, in both address families where
 * the machine has them; only a host that was written down opens the agent to the network.
 */
import { stat, unlink } from "node:fs/promises";
import type { AddressInfo, ListenOptions, Server } from "node:net";
import { connect, isIP } from "node:net";
import { AgentError } from "../../component/errors.ts";

export interface Endpoint {
  /** As written, for messages. */
  readonly text: string;
  /** Without the brackets of IPv6; "" means every interface. */
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket, which has no host and no port. */
  readonly path?: string;
}

const ENDPOINT = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]\s/]*)):(\d{1,5})$/;

/** Undefined when the text is not `host:port` or `[IPv6]:port`. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = ENDPOINT.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65_535 || (match[1] !== undefined && isIP(match[1]) !== 6)) return undefined;
  return { text, host: match[1] ?? match[2]!, port };
}

export function unixEndpoint(path: string): Endpoint {
  return { text: path, host: "", port: 0, path };
}

/** Whether only programs of this machine reach it. */
export function isLoopback(endpoint: Endpoint): boolean {
  const { host, path } = endpoint;
  if (path !== undefined) return true;
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/**
 * Opens one server for each address of the endpoint; port 0 takes a free port.
 * @throws AgentError `listening.port_in_use` or `listening.cannot_listen`; nothing is left open then.
 */
export async function listen(
  endpoint: Endpoint,
  createServer: () => Server,
): Promise<readonly Server[]> {
  if (endpoint.path !== undefined) return [await listenOnPath(endpoint, createServer())];
  const servers: Server[] = [];
  let port = endpoint.port;
  let lastError: unknown;
  for (const host of addressesOf(endpoint)) {
    const server = createServer();
    try {
      await listenOnce(server, { port, ...(host !== undefined && { host }) });
      servers.push(server);
      port = portOf(server);
    } catch (error) {
      lastError = error;
      // A machine without IPv6 (or without IPv4) still has the other loopback address.
      if (endpoint.host === "localhost" && isMissingAddress(error)) continue;
      for (const open of servers) open.close();
      throw listenError(endpoint, error);
    }
  }
  if (servers.length === 0) throw listenError(endpoint, lastError);
  return servers;
}

/** 0 for a Unix socket. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port ?? 0;
}

async function listenOnPath(endpoint: Endpoint, server: Server): Promise<Server> {
  const path = endpoint.path!;
  try {
    await removeStaleSocket(path);
    await listenOnce(server, { path });
    return server;
  } catch (error) {
    throw listenError(endpoint, error);
  }
}

/** An agent that was killed leaves its socket behind, and nobody listens to it. */
async function removeStaleSocket(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isSocket() !== true) return;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect({ path }, () => resolve(false));
  probe.on("error", (error) => resolve(errorCode(error) === "ECONNREFUSED"));
  const isStale = await promise;
  probe.destroy();
  if (isStale) await unlink(path);
}

function addressesOf(endpoint: Endpoint): readonly (string | undefined)[] {
  if (endpoint.host === "localhost") return ["127.0.0.1", "::1"];
  return [endpoint.host === "" ? undefined : endpoint.host];
}

async function listenOnce(server: Server, where: ListenOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(where, resolve);
  await promise;
  server.removeListener("error", reject);
  // From now on an error is about one connection that could not be accepted (no more handles).
  server.on("error", () => {});
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? "unknown";
}

function isMissingAddress(error: unknown): boolean {
  return ["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"].includes(errorCode(error));
}

export function listenError(endpoint: Endpoint, error: unknown): AgentError {
  const code = errorCode(error);
  if (code === "EADDRINUSE") {
    return new AgentError(
      "listening.port_in_use",
      `another program listens on ${endpoint.text}: stop it (ss -lp shows it) or change endpoint`,
    );
  }
  const isPort = endpoint.path === undefined;
  const hint = code === "EACCES" && isPort ? "; ports below 1024 need a privilege" : "";
  return new AgentError(
    "listening.cannot_listen",
    `cannot listen on ${endpoint.text}: ${code}${hint}`,
  );
}
