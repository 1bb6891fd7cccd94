/**
 * Sends batches to an OpenTelemetry backend over OTLP/gRPC.
 *
 * Invariant: as the sender's: a batch is acknowledged when the backend answered for all of it.
 */
import type { Exporter } from "../../src/component/component.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Outcome } from "../../src/lib/sending/sender.ts";
import { requestsMax, Sender } from "../../src/lib/sending/sender.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { sharedEncodingOf } from "../../src/otlp/shared_encoding.ts";
import { Channel } from "./channel.ts";
import type { Config } from "./config.ts";

export class OtlpGrpcExporter implements Exporter {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #sender: Sender;
  #channel: Channel | undefined;

  constructor(config: Config, settings: Settings) {
    this.#config = config;
    this.#settings = settings;
    this.#sender = new Sender({
      settings,
      endpoint: config.endpoint,
      retry: config.retry_on_failure,
      recordsMax: config.max_request_records,
      requestsMax: requestsMax(config.sending_queue),
      codes: { rejected: "otlp_grpc.rejected", unreachable: "otlp_grpc.unreachable" },
      refusedCounter: settings.meter.createCounter("vouchsafe_otlp_grpc_refused_log_records", {
        description: "Log records that the backend refused for good, alone or in a whole request.",
      }),
      attempt: (records, stop) => this.#attempt(records, stop),
    });
  }

  async start(): Promise<void> {
    const { tls, endpoint } = this.#config;
    this.#channel = await Channel.open(this.#config, this.#settings.clock);
    if (tls.insecure_skip_verify) {
      this.#settings.logger.warn("the backend's certificate is not checked", { endpoint });
    }
  }

  consumeLogs(batch: LogBatch): Promise<void> {
    return this.#sender.consumeLogs(batch);
  }

  /** Requests under way get until the deadline; batches that wait for a retry are given back. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#sender.shutdown(deadline);
    this.#channel?.close();
  }

  async #attempt(records: readonly LogRecord[], stop: AbortSignal): Promise<Outcome> {
    if (this.#channel === undefined) throw new Error("consumeLogs before start");
    const request = sharedEncodingOf(records)?.request ?? encodeLogsData(records);
    return this.#channel.send(
      Buffer.from(request.buffer, request.byteOffset, request.length),
      stop,
    );
  }
}
