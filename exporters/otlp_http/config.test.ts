import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Backoff, parseRetryAfterMs, RETRY_AFTER_MAX_MS } from "../../src/lib/sending/backoff.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { configSchema, logsUrls } from "./config.ts";

const endpoint = "http://localhost:4318";

function problems(config: object): string[] {
  const result = configSchema.safeParse(config);
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

test("the defaults are the Collector's", () => {
  const { headers, tls, max_request_records, ...rest } = configSchema.parse({ endpoint });
  assert.deepEqual(rest, {
    endpoint,
    balancer_name: "round_robin",
    encoding: "proto",
    timeout: 30_000,
    compression: "gzip",
    retry_on_failure: {
      enabled: true,
      initial_interval: 5000,
      randomization_factor: 0.5,
      multiplier: 1.5,
      max_interval: 30_000,
      max_elapsed_time: 300_000,
    },
    sending_queue: {
      enabled: true,
      num_consumers: 10,
      sizer: "requests",
      queue_size: 1000,
      max_bytes: 1024 ** 3,
      block_on_overflow: true,
      dead_letter_max_bytes: 64 * 1024 ** 2,
    },
  });
  assert.deepEqual(headers, []);
  assert.equal(tls.insecure_skip_verify, false);
  assert.equal(max_request_records, 8192);
});

test("the path of logs is appended to endpoint and not to logs_endpoint", () => {
  const urlOf = (config: object): string | undefined => logsUrls(configSchema.parse(config))[0];
  assert.equal(urlOf({ endpoint }), "http://localhost:4318/v1/logs");
  assert.equal(urlOf({ endpoint: "https://b/otlp/" }), "https://b/otlp/v1/logs");
  assert.equal(urlOf({ endpoint, logs_endpoint: "http://l/x" }), "http://l/x");
});

test("what cannot work is refused with the reason", () => {
  for (const [config, problem] of [
    [{}, ": set endpoint, for example http://localhost:4318"],
    [{ endpoint: "localhost:4318" }, "endpoint: must begin with http:// or https://"],
    [{ endpoint: "http://a:b@c" }, /^endpoint: must hold no user name or password/],
    [{ endpoint, compression: "zstd" }, /^compression: .*gzip only; use gzip or none$/],
    [{ endpoint, timeout: "0s" }, "timeout: must be at least 1ms"],
    [{ endpoint, headers: { "a b": "x" } }, "headers.a b: is not a valid header name"],
    [{ endpoint, headers: { "Content-Type": "x" } }, /is set by the exporter itself$/],
    [{ endpoint: "https://b", tls: { insecure: true } }, /^tls\.insecure: the endpoint is https/],
    [{ endpoint, tls: { cert_file: "x" } }, "tls: set both cert_file and key_file, or neither"],
    [{ endpoint, retry_on_failure: { max_interval: "1s" } }, /^retry_on_failure\.max_interval:/],
  ] as const) {
    const found = problems(config);
    assert.equal(found.length, 1, inspect([config, found]));
    assert.match(
      found[0]!,
      problem instanceof RegExp ? problem : new RegExp(`^${RegExp.escape(problem)}$`),
    );
  }
  assert.equal(problems({ endpoint, sending_queue: { queue_length: 5 } }).length, 1);
});

test("header values are secrets, also in the error about them", () => {
  const config = configSchema.parse({ endpoint, headers: { authorization: "Bearer hunter2" } });
  assert.doesNotMatch(JSON.stringify(config) + inspect(config, { depth: 9 }), /hunter2/);
  const found = problems({ endpoint, headers: { authorization: "hunter2\r\n" } });
  assert.deepEqual(found, [
    "headers.authorization: has a value with characters that a header cannot hold",
  ]);
});

test("waits grow with jitter up to their maximum, and end with max_elapsed_time", () => {
  const clock = new FakeClock(0);
  const config = configSchema.parse({
    endpoint,
    retry_on_failure: { initial_interval: "4s", multiplier: 2, max_interval: "10s" },
  }).retry_on_failure;
  const waits = (byte: number): (number | undefined)[] => {
    const backoff = new Backoff(config, (bytes) => bytes.fill(byte), clock.nowMs());
    return [1, 2, 3, 4].map(() => backoff.nextMs(clock.nowMs(), undefined));
  };
  assert.deepEqual(waits(0), [2000, 4000, 5000, 5000]);
  assert.deepEqual(
    waits(128).map((ms) => Math.round(ms! / 100)),
    [40, 80, 100, 100],
  );
  const backoff = new Backoff(config, (bytes) => bytes.fill(0), 0);
  assert.equal(backoff.nextMs(0, 60_000), 60_000, "Retry-After is longer");
  assert.equal(backoff.nextMs(290_000, undefined), 294_000 - 290_000);
  assert.equal(backoff.nextMs(297_000, undefined), undefined);
  const forever = new Backoff({ ...config, max_elapsed_time: 0 }, (bytes) => bytes.fill(0), 0);
  assert.equal(forever.nextMs(1e12, undefined), 2000);
  const never = new Backoff({ ...config, enabled: false }, (bytes) => bytes.fill(0), 0);
  assert.equal(never.nextMs(0, 1), undefined);
});

test("Retry-After is seconds or a date, and bounded", () => {
  const nowMs = Date.UTC(2026, 10, 21, 5, 43, 15);
  assert.equal(parseRetryAfterMs(undefined, nowMs), undefined);
  assert.equal(parseRetryAfterMs("120", nowMs), 120_000);
  assert.equal(parseRetryAfterMs("Sat, 21 Nov 2026 05:43:20 GMT", nowMs), 5000);
  assert.equal(parseRetryAfterMs("Fri, 20 Nov 2026 05:43:20 GMT", nowMs), 0);
  assert.equal(parseRetryAfterMs("soon", nowMs), undefined);
  assert.equal(parseRetryAfterMs("99999999999", nowMs), RETRY_AFTER_MAX_MS);
});
