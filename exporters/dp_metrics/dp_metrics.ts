/**
 * Sends the numbers of `dp_window` as OTLP metrics, with the official exporter.
 *
 * Invariants:
 * - a batch is acknowledged when the backend answered for all of it, as by `otlp_http`;
 * - only released rows become metrics: any other record is left out and counted, never sent.
 */
import type { Agent } from "node:http";
import type { Counter } from "@opentelemetry/api";
import type { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import type { Exporter } from "../../src/component/component.ts";
import type { Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { createAgent } from "../../src/lib/sending/http_agent.ts";
import { Attempt } from "../../src/lib/sending/http_attempt.ts";
import { withoutOtlpVariables } from "../../src/lib/sending/own_environment.ts";
import type { Outcome } from "../../src/lib/sending/sender.ts";
import { requestsMax, Sender } from "../../src/lib/sending/sender.ts";
import type { Config } from "./config.ts";
import { metricsUrl } from "./config.ts";
import { isRemark, isRow, metricsOf } from "./metrics.ts";

const USER_AGENT = "vouchsafe";

interface Target {
  readonly official: OTLPMetricExporter;
  readonly agent: Agent;
}

export class DpMetricsExporter implements Exporter {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #sender: Sender;
  readonly #leftOut: Counter;
  #target: Target | undefined;

  constructor(config: Config, settings: Settings) {
    this.#config = config;
    this.#settings = settings;
    const url = new URL(metricsUrl(config));
    this.#leftOut = settings.meter.createCounter("vouchsafe_dp_metrics_left_out_log_records", {
      description: "Log records that are no released row of dp_window; they are not sent.",
    });
    this.#sender = new Sender({
      settings,
      // A query may hold a token, so it is never shown.
      endpoint: url.origin + url.pathname,
      retry: config.retry_on_failure,
      recordsMax: config.max_request_records,
      requestsMax: requestsMax(config.sending_queue),
      codes: { rejected: "otlp_http.rejected", unreachable: "otlp_http.unreachable" },
      refusedCounter: settings.meter.createCounter("vouchsafe_dp_metrics_refused_log_records", {
        description: "Released rows that the backend refused for good.",
      }),
      attempt: (records, stop) => this.#attempt(records, stop),
    });
  }

  async start(): Promise<void> {
    const { tls, headers, timeout, sending_queue: queue } = this.#config;
    const url = metricsUrl(this.#config);
    const agent = await createAgent(url, tls, requestsMax(queue));
    // Loaded here, because few configurations have it.
    const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-http");
    const official = withoutOtlpVariables(
      () =>
        new OTLPMetricExporter({
          url,
          timeoutMillis: timeout,
          userAgent: USER_AGENT,
          concurrencyLimit: Number.MAX_SAFE_INTEGER,
          httpAgentOptions: () => agent,
          headers: async () => {
            Attempt.begin();
            return Object.fromEntries(headers.map(([name, secret]) => [name, secret.reveal()]));
          },
        }),
    );
    this.#target = { official, agent };
    if (tls.insecure_skip_verify) {
      this.#settings.logger.warn("the backend's certificate is not checked", { endpoint: url });
    }
  }

  consumeLogs(batch: LogBatch): Promise<void> {
    return this.#sender.consumeLogs(batch);
  }

  /** Requests under way get until the deadline; batches that wait for a retry are given back. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#sender.shutdown(deadline);
    this.#target?.agent.destroy();
  }

  async #attempt(records: readonly LogRecord[], stop: AbortSignal): Promise<Outcome> {
    const target = this.#target;
    if (target === undefined) throw new Error("consumeLogs before start");
    const rows = records.filter(isRow);
    const metrics = metricsOf(rows, this.#config.prefix);
    const outcome: Outcome =
      metrics === undefined
        ? { kind: "sent", rejectedRecords: 0 }
        : await Attempt.run((done) => target.official.export(metrics, done), {
            clock: this.#settings.clock,
            timeoutMs: this.#config.timeout,
            stop,
          });
    if (outcome.kind === "sent") {
      this.#leftOut.add(records.filter((record) => !isRow(record) && !isRemark(record)).length);
    }
    return outcome;
  }
}
