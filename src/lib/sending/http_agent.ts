/**
 * The connections to the backend: kept alive, bounded in number, with the configured TLS.
 *
 * Invariant: a certificate or key that cannot be used is found at the start, not at the first log.
 */
import { readFile } from "node:fs/promises";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { SecureContextOptions } from "node:tls";
import { createSecureContext } from "node:tls";
import { AgentError, describeError } from "../../component/errors.ts";
import type { TlsClient } from "./config.ts";

/** @throws AgentError `otlp_http.tls_file` */
export async function createAgent(
  url: string,
  tls: TlsClient,
  connectionsMax: number,
): Promise<HttpAgent> {
  const pool = { keepAlive: true, maxSockets: connectionsMax, maxFreeSockets: connectionsMax };
  if (new URL(url).protocol === "http:") return new HttpAgent(pool);
  const material: SecureContextOptions = {
    minVersion: `TLSv${tls.min_version}`,
    ...(await pem("ca", tls.ca_file)),
    ...(await pem("cert", tls.cert_file)),
    ...(await pem("key", tls.key_file)),
  };
  try {
    createSecureContext(material);
  } catch (error) {
    const files = [tls.ca_file, tls.cert_file, tls.key_file].filter((path) => path !== undefined);
    throw tlsFileError(`${files.join(", ")}: not usable together`, error);
  }
  return new HttpsAgent({
    ...pool,
    ...material,
    rejectUnauthorized: !tls.insecure_skip_verify,
    ...(tls.server_name_override === undefined ? {} : { servername: tls.server_name_override }),
  });
}

async function pem(name: "ca" | "cert" | "key", path: string | undefined): Promise<object> {
  if (path === undefined) return {};
  try {
    return { [name]: await readFile(path) };
  } catch (error) {
    throw tlsFileError(`${path}: cannot be read`, error);
  }
}

function tlsFileError(problem: string, error: unknown): AgentError {
  const message = `${problem} (${describeError(error)})`;
  return new AgentError("otlp_http.tls_file", message, { cause: error });
}
