/**
 * Sends batches to an OpenTelemetry backend over OTLP/HTTP.
 *
 * Invariant: as the sender's: a batch is acknowledged when the backend answered for all of it.
 */
import type { Agent } from "node:http";
import type { Exporter } from "../../src/component/component.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { Outcome } from "../../src/lib/sending/sender.ts";
import { requestsMax, Sender } from "../../src/lib/sending/sender.ts";
import { Attempt } from "./attempt.ts";
import type { Config } from "./config.ts";
import { logsUrl } from "./config.ts";
import { OfficialExporters } from "./official.ts";
import { createAgent } from "./tls.ts";

export class OtlpHttpExporter implements Exporter {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #url: string;
  readonly #endpoint: string;
  readonly #sender: Sender;
  #official: OfficialExporters | undefined;
  #agent: Agent | undefined;

  constructor(config: Config, settings: Settings) {
    this.#config = config;
    this.#settings = settings;
    this.#url = logsUrl(config);
    // A query may hold a token, so it is never shown.
    const { origin, pathname } = new URL(this.#url);
    this.#endpoint = origin + pathname;
    this.#sender = new Sender({
      settings,
      endpoint: this.#endpoint,
      retry: config.retry_on_failure,
      recordsMax: config.max_request_records,
      requestsMax: requestsMax(config.sending_queue),
      codes: { rejected: "otlp_http.rejected", unreachable: "otlp_http.unreachable" },
      refusedCounter: settings.meter.createCounter("vouchsafe_otlp_http_refused_log_records", {
        description: "Log records that the backend refused for good, alone or in a whole request.",
      }),
      attempt: (records, stop) => this.#attempt(records, stop),
    });
  }

  async start(): Promise<void> {
    const { tls, encoding, compression, timeout, headers } = this.#config;
    this.#agent = await createAgent(this.#url, tls, requestsMax(this.#config.sending_queue));
    this.#official = new OfficialExporters({
      url: this.#url,
      encoding,
      compression,
      timeoutMs: timeout,
      agent: this.#agent,
      headers: async () => {
        Attempt.begin();
        return Object.fromEntries(headers.map(([name, secret]) => [name, secret.reveal()]));
      },
    });
    if (tls.insecure_skip_verify) {
      this.#settings.logger.warn("the backend's certificate is not checked", {
        endpoint: this.#endpoint,
      });
    }
  }

  consumeLogs(batch: LogBatch): Promise<void> {
    return this.#sender.consumeLogs(batch);
  }

  /** Requests under way get until the deadline; batches that wait for a retry are given back. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#sender.shutdown(deadline);
    this.#agent?.destroy();
  }

  #attempt(records: readonly LogRecord[], stop: AbortSignal): Promise<Outcome> {
    const official = this.#official;
    if (official === undefined) throw new Error("consumeLogs before start");
    return Attempt.run((done) => official.export(records, done), {
      clock: this.#settings.clock,
      timeoutMs: this.#config.timeout,
      stop,
    });
  }
}
