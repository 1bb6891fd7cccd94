/**
 * The `otlp` receiver: OTLP logs over HTTP and gRPC into the pipeline.
 *
 * Invariant: a client is told "taken" only when every exporter has its records; what it is not told
 * is still the client's. See `intake.ts` for retries.
 */
import type { LogsConsumer, Receiver } from "../../src/component/component.ts";
import type { Settings } from "../../src/component/settings.ts";
import { isLoopback, parseEndpoint } from "../../src/lib/listening/endpoint.ts";
import type { OtlpConfig } from "./config.ts";
import { GrpcTransport } from "./grpc_server.ts";
import type { Transport, TransportServices } from "./http_server.ts";
import { HttpTransport } from "./http_server.ts";
import { InFlightBytes } from "./in_flight.ts";
import { Intake } from "./intake.ts";

interface Listening {
  readonly protocol: "http" | "grpc";
  readonly endpoint: string;
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
    const services = (protocol: string): TransportServices => ({
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
      const transport = new HttpTransport(http, services("http"));
      transports.push({ protocol: "http", endpoint: http.endpoint, transport });
    }
    if (grpc !== undefined) {
      const transport = new GrpcTransport(grpc, services("grpc"));
      transports.push({ protocol: "grpc", endpoint: grpc.endpoint, transport });
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

  #announce({ protocol, endpoint, transport }: Listening): void {
    const { logger } = this.#settings;
    logger.info("listening", { protocol, endpoint, port: transport.port });
    if (isLoopback(parseEndpoint(endpoint)!)) return;
    logger.warn(
      "listening beyond this host without encryption or authentication: " +
        "anyone who reaches the port can send records and read those on the way",
      { protocol, endpoint },
    );
  }
}
