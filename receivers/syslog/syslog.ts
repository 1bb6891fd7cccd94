/**
 * The `syslog` receiver: messages over TCP, TLS and UDP into the pipeline.
 *
 * Invariant: what was read is handed on in its order, until every exporter has it; rubbish is
 * counted and, unless `on_error` says otherwise, handed on as it came.
 */
import type { LogsConsumer, Receiver } from "../../src/component/component.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { Attributes } from "../../src/data/any_value.ts";
import { Outlet } from "../../src/lib/delivery/outlet.ts";
import { isLoopback, parseEndpoint } from "../../src/lib/listening/endpoint.ts";
import { ServerTls } from "../../src/lib/listening/server_tls.ts";
import type { OperatorConfig } from "../../src/lib/operators/config.ts";
import { operatorConfig } from "../../src/lib/operators/config.ts";
import { EntryStream } from "../../src/lib/operators/entry_stream.ts";
import { FailureReport } from "../../src/lib/operators/failure_report.ts";
import { RecordMaker } from "../../src/lib/operators/record_maker.ts";
import type { SyslogConfig } from "./config.ts";
import type { Instruments } from "./instruments.ts";
import { createInstruments } from "./instruments.ts";
import type { ListenerServices } from "./tcp_listener.ts";
import { TcpListener } from "./tcp_listener.ts";
import { UdpListener } from "./udp_listener.ts";

export class SyslogReceiver implements Receiver {
  readonly #config: SyslogConfig;
  readonly #settings: Settings;
  readonly #outlet: Outlet;
  readonly #instruments: Instruments;
  readonly #failures: FailureReport;
  readonly #operators: readonly OperatorConfig[];
  readonly #maker: RecordMaker;
  #tcp: TcpListener | undefined;
  #udp: UdpListener | undefined;

  constructor(config: SyslogConfig, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#instruments = createInstruments(settings, {
      connections: () => this.#tcp?.connections ?? 0,
      inFlightBytes: () => this.#outlet.usedBytes,
    });
    this.#outlet = new Outlet({
      ...{ settings, next, bytesMax: config.max_in_flight_bytes, retry: config.retry_on_failure },
      refused: this.#instruments.refused,
    });
    this.#failures = new FailureReport(settings, this.#instruments.notUnderstood);
    this.#maker = new RecordMaker(config.resource);
    this.#operators = [parserOf(config), ...config.operators];
  }

  /** Ports that are listened on, of interest when the configuration says 0. */
  get ports(): { readonly tcp: number | undefined; readonly udp: number | undefined } {
    return { tcp: this.#tcp?.port, udp: this.#udp?.port };
  }

  async start(): Promise<void> {
    const { tcp, udp } = this.#config;
    const services = this.#services();
    try {
      if (tcp !== undefined) {
        const tls = tcp.tls && (await ServerTls.open(tcp.tls, this.#settings));
        const listener = new TcpListener(tcp, this.#framing(tcp.max_log_size), services, tls);
        await listener.start();
        this.#tcp = listener;
        this.#announce(tls === undefined ? "tcp" : "tls", tcp.listen_address, listener.port);
      }
      if (udp !== undefined) {
        const listener = new UdpListener(udp, services);
        await listener.start();
        this.#udp = listener;
        this.#announce("udp", udp.listen_address, listener.port);
      }
    } catch (error) {
      await this.shutdown(AbortSignal.abort());
      throw error;
    }
    this.#settings.reportStatus("ok");
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#tcp?.stop(deadline);
    await this.#udp?.stop();
    this.#tcp = undefined;
    this.#udp = undefined;
    await this.#outlet.close(deadline);
    this.#settings.reportStatus("stopped");
  }

  #services(): ListenerServices {
    const { clock } = this.#settings;
    const { attributes, resource } = this.#config;
    return {
      clock,
      outlet: this.#outlet,
      instruments: this.#instruments,
      createStream: (own: Attributes) =>
        new EntryStream({
          ...{ operators: this.#operators, maker: this.#maker, resource },
          attributes: { ...attributes, ...own },
          ...{ clock, failed: this.#failures.failed },
          released: (records) => this.#outlet.add(0, records, undefined),
        }),
    };
  }

  #framing(sizeMax: number) {
    const { enable_octet_counting, non_transparent_framing_trailer } = this.#config;
    const trailer = non_transparent_framing_trailer === "NUL" ? 0x00 : 0x0a;
    return { countsOctets: enable_octet_counting, trailer, sizeMax };
  }

  #announce(transport: "tcp" | "tls" | "udp", endpoint: string, port: number): void {
    const { logger } = this.#settings;
    logger.info("listening", { transport, endpoint, port });
    if (transport === "tls" || isLoopback(parseEndpoint(endpoint)!)) return;
    logger.warn(
      "listening beyond this host without encryption or authentication: " +
        "anyone who reaches the port can send messages and read those on the way",
      { transport, endpoint },
    );
  }
}

/** The operator that every message goes through first; its framing is undone already. */
function parserOf(config: SyslogConfig): OperatorConfig {
  return operatorConfig.parse({
    type: "syslog_parser",
    id: "syslog",
    protocol: config.protocol,
    location: config.location,
    allow_skip_pri_header: config.allow_skip_pri_header,
    enable_octet_counting: config.enable_octet_counting,
    max_octets: config.max_octets,
    on_error: config.on_error,
  });
}
