/**
 * `host:port` endpoints and listening on them, for all receivers.
 *
 * Invariant: `localhost` is the loopback interface and nothing else, in both address families where
 * the machine has them; only a host that was written down opens the agent to the network.
 */
import type { AddressInfo, Server } from "node:net";
import { isIP } from "node:net";
import { AgentError } from "../../component/errors.ts";

export interface Endpoint {
  /** As written, for messages. */
  readonly text: string;
  /** Without the brackets of IPv6; "" means every interface. */
  readonly host: string;
  readonly port: number;
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

export function isLoopback(endpoint: Endpoint): boolean {
  const { host } = endpoint;
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
  const servers: Server[] = [];
  let port = endpoint.port;
  let lastError: unknown;
  for (const host of addressesOf(endpoint)) {
    const server = createServer();
    try {
      await listenOnce(server, port, host);
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

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function addressesOf(endpoint: Endpoint): readonly (string | undefined)[] {
  if (endpoint.host === "localhost") return ["127.0.0.1", "::1"];
  return [endpoint.host === "" ? undefined : endpoint.host];
}

async function listenOnce(server: Server, port: number, host: string | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ port, ...(host !== undefined && { host }) }, resolve);
  await promise;
  server.removeListener("error", reject);
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
      `another program listens on ${endpoint.text}: stop it (ss -ltnp shows it) or change endpoint`,
    );
  }
  const hint = code === "EACCES" ? "; ports below 1024 need a privilege" : "";
  return new AgentError(
    "listening.cannot_listen",
    `cannot listen on ${endpoint.text}: ${code}${hint}`,
  );
}
