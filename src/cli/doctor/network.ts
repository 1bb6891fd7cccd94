/** The ports that the agent listens on, and the backends that it sends to. Nothing is sent. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { CheckedConfig } from "../../../config/load.ts";
import type { Endpoint } from "../../../config/service.ts";
import { parseEndpoint } from "../../../config/service.ts";
import { settingsOf } from "../../secret_files.ts";
import type { Finding } from "./finding.ts";
import { ok, problem, warning } from "./finding.ts";

const CONNECT_TIMEOUT_MS = 3000;
const LISTENED = /^receivers\..*\.(endpoint|listen_address)$/;
const REACHED = /^exporters\..*\.((logs_)?endpoint|endpoints\[\d+\]|brokers\[\d+\])$/;
const SCHEME_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

interface Place {
  readonly key: string;
  readonly endpoint: Endpoint;
}

/** With `isRunning`, a port in use is what one expects. */
export async function checkPorts(config: CheckedConfig, isRunning: boolean): Promise<Finding[]> {
  const { telemetry, healthCheck } = config.service;
  const places = settingsOf(config).flatMap(({ key, value }): Place[] => {
    const endpoint = LISTENED.test(key) ? parseEndpoint(String(value)) : undefined;
    return endpoint === undefined ? [] : [{ key, endpoint }];
  });
  if (telemetry.metrics !== undefined) {
    places.push({ key: "service.telemetry.metrics", endpoint: telemetry.metrics });
  }
  if (healthCheck !== undefined) {
    places.push({ key: "extensions.health_check", endpoint: healthCheck });
  }
  return Promise.all(places.map((place) => checkPort(place, isRunning)));
}

async function checkPort({ key, endpoint }: Place, isRunning: boolean): Promise<Finding> {
  const name = `${key} ${endpoint.host}:${endpoint.port}`;
  const isDatagram = /\.udp\./.test(key);
  const code = await (isDatagram ? bindDatagram(endpoint) : bindStream(endpoint));
  if (code === undefined) return ok("ports", `${name} is free`);
  if (code === "EADDRINUSE") {
    if (isRunning) return ok("ports", `${name} is in use while the agent runs`);
    return problem("ports", `${name} is in use`, "stop what uses it, or set another port");
  }
  const fix = code === "EACCES" ? "use a port above 1023" : "set an address of this machine";
  return problem("ports", `${name} cannot be bound (${code})`, fix);
}

async function bindStream({ host, port }: Endpoint): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  } finally {
    server.close();
  }
}

async function bindDatagram({ host, port }: Endpoint): Promise<string | undefined> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    socket.bind(port, host);
    await once(socket, "listening");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  } finally {
    socket.close();
  }
}

export async function checkBackends(config: CheckedConfig): Promise<Finding[]> {
  const checks = settingsOf(config).flatMap(({ key, value }) =>
    REACHED.test(key) && typeof value === "string" ? [checkBackend(key, value)] : [],
  );
  return (await Promise.all(checks)).flat();
}

async function checkBackend(key: string, text: string): Promise<Finding[]> {
  const endpoint = addressOf(text);
  if (endpoint === undefined) {
    return [ok("backends", `${key}: not tried, it is no single address`)];
  }
  const name = `${key} ${endpoint.host}:${endpoint.port}`;
  const code = await tryConnect(endpoint);
  if (code === undefined) return [ok("backends", `${name} takes connections`)];
  const fix = "start it, or correct the endpoint; records wait until it answers";
  return [warning("backends", `${name} cannot be reached (${code})`, fix)];
}

/** Of a URL or `host:port`; undefined for a gRPC target of another form. */
function addressOf(text: string): Endpoint | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return parseEndpoint(text);
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port } = new URL(text);
  const known = port === "" ? SCHEME_PORTS[protocol] : Number(port);
  if (known === undefined || hostname === "") return undefined;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: known };
}

/** The error's code; undefined when the connection was made. */
async function tryConnect({ host, port }: Endpoint): Promise<string | undefined> {
  const socket = connect({ host, port });
  const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  try {
    await once(socket, "connect", { signal });
    return undefined;
  } catch (error) {
    if (signal.aborted) return `no answer in ${CONNECT_TIMEOUT_MS / 1000} s`;
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  } finally {
    socket.destroy();
  }
}
