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
import { createAgent } from "../../src/lib/sending/http_agent.ts";
import { Attempt } from "../../src/lib/sending/http_attempt.ts";
import type { Outcome } from "../../src/lib/sending/sender.ts";
import { requestsMax, Sender } from "../../src/lib/sending/sender.ts";
import type { Config } from "./config.ts";
import { logsUrls } from "./config.ts";
import { OfficialExporters } from "./official.ts";
import { Targets } from "./targets.ts";

interface Target {
  readonly official: OfficialExporters;
  readonly agent: Agent;
}

export class OtlpHttpExporter implements Exporter {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #endpoint: string;
  readonly #sender: Sender;
  #all: readonly Target[] = [];
  #targets: Targets<Target> | undefined;

  constructor(config: Config, settings: Settings) {
    this.#config = config;
    this.#settings = settings;
    // A query may hold a token, so it is never shown.
    const shown = logsUrls(config).map((url) => new URL(url).origin + new URL(url).pathname);
    this.#endpoint = shown.join(", ");
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
    const { tls, balancer_name: balancer, retry_on_failure: retry } = this.#config;
    this.#all = await Promise.all(logsUrls(this.#config).map((url) => this.#open(url)));
    this.#targets = new Targets(this.#all, {
      takesTurns: balancer === "round_robin",
      restMs: retry.initial_interval,
      clock: this.#settings.clock,
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
    for (const { agent } of this.#all) agent.destroy();
  }

  async #open(url: string): Promise<Target> {
    const { tls, encoding, compression, timeout, headers, sending_queue: queue } = this.#config;
    const agent = await createAgent(url, tls, requestsMax(queue));
    const official = new OfficialExporters({
      url,
      encoding,
      compression,
      timeoutMs: timeout,
      agent,
      headers: async () => {
        Attempt.begin();
        return Object.fromEntries(headers.map(([name, secret]) => [name, secret.reveal()]));
      },
    });
    return { official, agent };
  }

  /** Asks one backend after another until one answers. */
  async #attempt(records: readonly LogRecord[], stop: AbortSignal): Promise<Outcome> {
    const targets = this.#targets;
    if (targets === undefined) throw new Error("consumeLogs before start");
    let outcome: Outcome | undefined;
    for (const target of targets.order()) {
      outcome = await Attempt.run((done) => target.official.export(records, done), {
        clock: this.#settings.clock,
        timeoutMs: this.#config.timeout,
        stop,
      });
      if (outcome.kind !== "retryable") {
        targets.answered(target);
        return outcome;
      }
      if (stop.aborted || outcome.staleConnection === true) return outcome;
      targets.failed(target, outcome.retryAfterMs);
    }
    return outcome!;
  }
}
