/**
 * The certificates of a listening server, read at the start and again when their files change.
 *
 * Invariant: a server never runs with half of a change. New files are used when they fit together;
 * until then the old ones stay, and the log says so.
 */
import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { SecureContextOptions, Server, TlsOptions } from "node:tls";
import { createSecureContext } from "node:tls";
import { AgentError, describeError } from "../../component/errors.ts";
import type { CancelTimer, Settings } from "../../component/settings.ts";
import type { ServerTlsConfig } from "./tls_config.ts";
import { cipherName, curveNames } from "./tls_config.ts";

/** A client that does not get on with its handshake is cut off. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const CLIENT_CA_RELOAD_MS = 10_000;

export class ServerTls {
  readonly #config: ServerTlsConfig;
  readonly #settings: Pick<Settings, "clock" | "logger">;
  readonly #servers = new Set<Server>();
  #material: SecureContextOptions = {};
  #seen = "";
  #failed = "";
  #cancelTimer: CancelTimer | undefined;
  #closed = false;

  private constructor(config: ServerTlsConfig, settings: Pick<Settings, "clock" | "logger">) {
    this.#config = config;
    this.#settings = settings;
  }

  /** @throws AgentError `listening.tls_file` */
  static async open(
    config: ServerTlsConfig,
    settings: Pick<Settings, "clock" | "logger">,
  ): Promise<ServerTls> {
    const tls = new ServerTls(config, settings);
    const { material, seen } = await tls.#read();
    tls.#material = material;
    tls.#seen = seen;
    tls.#scheduleReload();
    return tls;
  }

  get requiresClientCertificate(): boolean {
    return this.#config.client_ca_file !== undefined;
  }

  /** For a new server, which has to be given to {@link keepFresh} then. */
  options(): TlsOptions {
    const requestCert = this.requiresClientCertificate;
    return {
      ...this.#material,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requestCert,
      rejectUnauthorized: requestCert,
    };
  }

  /** New connections of this server get the newest certificates. */
  keepFresh<Kind extends Server>(server: Kind): Kind {
    this.#servers.add(server);
    server.once("close", () => this.#servers.delete(server));
    return server;
  }

  /** Reads the files again and uses them when they changed. Never rejects. */
  async reload(): Promise<void> {
    try {
      const { material, seen } = await this.#read();
      this.#failed = "";
      if (seen === this.#seen || this.#closed) return;
      for (const server of this.#servers) server.setSecureContext(material);
      this.#material = material;
      this.#seen = seen;
      this.#settings.logger.info("certificates were read again and are used from now on");
    } catch (error) {
      const problem = describeError(error);
      if (problem === this.#failed) return;
      this.#failed = problem;
      this.#settings.logger.error("new certificates cannot be used; the old ones stay", {
        error: problem,
      });
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  #scheduleReload(): void {
    const { reload_interval: intervalMs, client_ca_file_reload: followsClientCa } = this.#config;
    const delayMs = intervalMs > 0 ? intervalMs : followsClientCa ? CLIENT_CA_RELOAD_MS : 0;
    if (delayMs === 0 || this.#closed) return;
    this.#cancelTimer = this.#settings.clock.setTimer(delayMs, () => {
      void this.reload().then(() => this.#scheduleReload());
    });
  }

  async #read(): Promise<{ material: SecureContextOptions; seen: string }> {
    const { cert_file, cert_pem, key_file, key_pem, client_ca_file } = this.#config;
    const cert = cert_pem ?? (await read(cert_file!));
    const key = key_pem ?? (await read(key_file!));
    const ca = client_ca_file === undefined ? undefined : await read(client_ca_file);
    const { min_version, max_version, cipher_suites, curve_preferences } = this.#config;
    const material: SecureContextOptions = {
      cert,
      key,
      ...(ca !== undefined && { ca }),
      minVersion: `TLSv${min_version}`.replace(/1\.0$/, "1") as "TLSv1.2",
      ...(max_version !== undefined && {
        maxVersion: `TLSv${max_version}`.replace(/1\.0$/, "1") as "TLSv1.3",
      }),
      ...(cipher_suites.length > 0 && { ciphers: ciphersOf(cipher_suites) }),
      ...(curve_preferences.length > 0 && { ecdhCurve: curveNames(curve_preferences) }),
    };
    try {
      createSecureContext(material);
    } catch (error) {
      const names = [cert_file, key_file, client_ca_file].filter((path) => path !== undefined);
      throw fileError(`${names.join(", ") || "cert_pem, key_pem"}: not usable together`, error);
    }
    return { material, seen: hash("sha256", [cert, key, ca ?? ""].join("\0"), "hex") };
  }
}

/** The suites of TLS 1.3 cannot be chosen, as in Go; they are all safe. */
function ciphersOf(suites: readonly string[]): string {
  const modern = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"];
  return [
    ...modern,
    "TLS_CHACHA20_POLY1305_SHA256",
    ...suites.map((name) => cipherName(name)!),
  ].join(":");
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw fileError(`${path}: cannot be read`, error);
  }
}

function fileError(problem: string, error: unknown): AgentError {
  const message = `${problem} (${describeError(error)})`;
  return new AgentError("listening.tls_file", message, { cause: error });
}
