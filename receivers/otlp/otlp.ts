/**
 * The `otlp` receiver: OTLP logs over HTTP and gRPC into the pipeline.
 *
 * Invariant: a client is told "taken" only when every exporter has its records; what it is not told
 * is still the client's. See `intake.ts` for retries.
 */
import type { LogsConsumer, Receiver } from "../../src/component/component.ts";
import type { Settings } from "../../src/component/settings.ts";
import { isLoopback } from "../../src/lib/listening/endpoint.ts";
import type { GrpcConfig, HttpConfig, OtlpConfig } from "./config.ts";
import { endpointOf } from "./config.ts";
import { GrpcTransport } from "./grpc_server.ts";
import type { Transport, TransportServices } from "./http_server.ts";
import { HttpTransport } from "./http_server.ts";
import { InFlightBytes } from "./in_flight.ts";
import { Intake } from "./intake.ts";

interface Listening {
  readonly protocol: "http" | "grpc";
  readonly config: HttpConfig | GrpcConfig;
  readonly transport: Transport;
}

export class OtlpReceiver implements Receiver {
  readonly #settings: Settings;
  readonly #intake: Intake;
  readonly #transports: readonly Listening[];
  #started: Listening[] = [];

  constructor(config: OtlpConfig, settings: Settings, next: LogsConsumer) {
    this.#settings = settings;
    this.#intake = new Intake(next, settings.clock, config.acknowledge_timeout);
    const inFlight = new InFlightBytes(config.max_in_flight_bytes);
    const refused = settings.meter.createCounter("vouchsafe_otlp_refused_requests", {
      description: "Requests that were refused, by protocol and reason.",
    });
    const inFlightGauge = settings.meter.createObservableGauge("vouchsafe_otlp_in_flight_bytes", {
      description: "Bytes of requests that are not finished.",
      unit: "By",
    });
    inFlightGauge.addCallback((result) => result.observe(inFlight.bytes));
    const services = (protocol: string, transport: HttpConfig | GrpcConfig): TransportServices => ({
      settings,
      endpoint: endpointOf(transport),
      openAuthenticator: async () => {
        const id = transport.auth?.authenticator;
        return id === undefined ? undefined : settings.openAuthenticator!(id);
      },
      intake: this.#intake,
      inFlight,
      limits: {
        nestingDepthMax: config.max_nesting_depth,
        recordsMax: config.max_records,
        valuesPerRecordMax: config.max_values_per_record,
      },
      refused: (reason) => refused.add(1, { protocol, reason }),
    });
    const { http, grpc } = config.protocols;
    const transports: Listening[] = [];
    if (http !== undefined) {
      const transport = new HttpTransport(http, services("http", http));
      transports.push({ protocol: "http", config: http, transport });
    }
    if (grpc !== undefined) {
      const transport = new GrpcTransport(grpc, services("grpc", grpc));
      transports.push({ protocol: "grpc", config: grpc, transport });
    }
    this.#transports = transports;
  }

  /** Ports that are listened on, of interest when the configuration says 0. */
  get ports(): Readonly<Partial<Record<"http" | "grpc", number>>> {
    return Object.fromEntries(
      this.#started.map(({ protocol, transport }) => [protocol, transport.port]),
    );
  }

  async start(): Promise<void> {
    for (const listening of this.#transports) {
      try {
        await listening.transport.start();
      } catch (error) {
        await this.#close(AbortSignal.abort());
        throw error;
      }
      this.#started.push(listening);
      this.#announce(listening);
    }
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#close(deadline);
  }

  async #close(deadline: AbortSignal): Promise<void> {
    const started = this.#started;
    this.#started = [];
    const abort = (): void => {
      for (const { transport } of started) transport.abort();
    };
    const closed = started.map(({ transport }) => transport.stop());
    deadline.addEventListener("abort", abort, { once: true });
    await this.#intake.stop(deadline);
    if (deadline.aborted) abort();
    await Promise.all(closed);
    deadline.removeEventListener("abort", abort);
  }

  #announce({ protocol, config, transport }: Listening): void {
    const { logger } = this.#settings;
    const endpoint = endpointOf(config);
    const { tls, auth } = config;
    const isSecure = tls !== undefined;
    const port = endpoint.path === undefined ? { port: transport.port } : {};
    logger.info("listening", { protocol, endpoint: endpoint.text, ...port, tls: isSecure });
    const isOpen = tls?.client_ca_file === undefined && auth === undefined;
    if (isLoopback(endpoint) || (isSecure && !isOpen)) return;
    logger.warn(`listening beyond this host ${exposure(isSecure, isOpen)}`, {
      protocol,
      endpoint: endpoint.text,
    });
  }
}

function exposure(isSecure: boolean, isOpen: boolean): string {
  if (isSecure) return "without authentication: anyone who reaches the port can send records";
  if (!isOpen) return "without encryption: records and credentials can be read on the way";
  return (
    "without encryption or authentication: " +
    "anyone who reaches the port can send records and read those on the way"
  );
}
