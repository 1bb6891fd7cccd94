/**
 * One request to the backend, and what became of it.
 *
 * The official exporter retries on its own, without telling status codes or `Retry-After`, and
 * cannot be stopped. So an attempt watches its HTTP request through Node's `diagnostics_channel`
 * (found by the asynchronous context it was made in), and lets the exporter make only one.
 *
 * Invariant: the outcome holds status codes, counts and kinds of errors, nothing the backend wrote.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest, IncomingMessage } from "node:http";
import { describeError } from "../../component/errors.ts";
import type { Clock } from "../../component/settings.ts";
import { rejectedRecords } from "../../otlp/partial_success.ts";
import { parseRetryAfterMs } from "./backoff.ts";
import type { Outcome } from "./sender.ts";

/** What `export` reports; `error` may quote the backend's answer and is never logged as it is. */
export interface ExportReport {
  readonly code: number;
  readonly error?: Error;
}

/** OTLP specification, "Retryable Response Codes". */
const RETRYABLE = new Set([429, 502, 503, 504]);
const STATUS_TOO_LARGE = 413;
/** An answer is a count and a short message; more of it is not kept. */
const ANSWER_BYTES_MAX = 64 * 1024;

const current = new AsyncLocalStorage<Attempt>();
subscribe("http.client.request.created", (message) => {
  current.getStore()?.watch((message as { request: ClientRequest }).request);
});

export class Attempt {
  readonly #settled = Promise.withResolvers<Outcome>();
  readonly #clock: Clock;
  #begun = false;
  #responded = false;
  #request: ClientRequest | undefined;

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `send` and gives its outcome. Past `timeoutMs`, or when `stop` aborts, the connection is
   * cut. Rejects only with what `send` throws while it encodes.
   */
  static async run(
    send: (done: (report: ExportReport) => void) => void,
    options: { readonly clock: Clock; readonly timeoutMs: number; readonly stop: AbortSignal },
  ): Promise<Outcome> {
    const attempt = new Attempt(options.clock);
    const cut = (reason: string): void => {
      attempt.#settle({ kind: "retryable", reason });
      attempt.#request?.destroy();
    };
    const onStop = (): void => cut("the agent is stopping");
    const cancel = options.clock.setTimer(options.timeoutMs, () =>
      cut(`no complete answer within ${options.timeoutMs} ms`),
    );
    options.stop.addEventListener("abort", onStop, { once: true });
    try {
      current.run(attempt, send, (report) => attempt.#onReport(report));
      return await attempt.#settled.promise;
    } finally {
      cancel();
      options.stop.removeEventListener("abort", onStop);
      // A pooled connection remembers the context it was made in: let it not keep a whole request.
      attempt.#request = undefined;
    }
  }

  /** Called before each request. Throws at the second, which ends the exporter's retries. */
  static begin(): void {
    const attempt = current.getStore();
    if (attempt === undefined) return;
    if (attempt.#begun) throw new Error("one attempt, one request");
    attempt.#begun = true;
  }

  watch(request: ClientRequest): void {
    this.#request = request;
    request.once("response", (response) => this.#onResponse(response));
    request.once("error", (error) => {
      const staleConnection = request.reusedSocket && !this.#responded;
      this.#settle({ kind: "retryable", reason: describeError(error), staleConnection });
    });
  }

  #onResponse(response: IncomingMessage): void {
    this.#responded = true;
    const status = response.statusCode ?? 0;
    if (RETRYABLE.has(status)) {
      const nowMs = this.#clock.nowMs();
      const retryAfterMs = parseRetryAfterMs(response.headers["retry-after"], nowMs);
      this.#settle({ kind: "retryable", reason: `status ${status}`, retryAfterMs });
    } else if (status < 200 || status > 299) {
      this.#settle({ kind: "permanent", status, tooLarge: status === STATUS_TOO_LARGE });
    } else {
      this.#readAnswer(response);
    }
  }

  /** The status code already says that the request was taken, even if the rest is cut off. */
  #readAnswer(response: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= ANSWER_BYTES_MAX) chunks.push(chunk);
    });
    response.once("close", () => {
      const contentType = response.headers["content-type"] ?? "";
      const count = rejectedRecords(Buffer.concat(chunks), contentType);
      this.#settle({ kind: "sent", rejectedRecords: count });
    });
  }

  /** The exporter's own view, for what fails before there is an answer. */
  #onReport(report: ExportReport): void {
    if (report.error === undefined || this.#responded) return;
    this.#settle({ kind: "retryable", reason: describeError(report.error) });
  }

  #settle(outcome: Outcome): void {
    this.#settled.resolve(outcome);
  }
}
