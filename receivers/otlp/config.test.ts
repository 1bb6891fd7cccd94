import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { isLoopback, parseEndpoint } from "../../src/lib/listening/endpoint.ts";
import { configSchema } from "./config.ts";

function problems(config: unknown): string {
  const issues = configSchema.safeParse(config).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n");
}

test("a protocol is on when its key is there, with or without settings", () => {
  for (const http of [null, {}]) {
    const config = configSchema.parse({ protocols: { http } });
    assert.equal(config.protocols.http?.endpoint, "localhost:4318");
    assert.equal(config.protocols.grpc, undefined);
  }
  assert.equal(
    configSchema.parse({ protocols: { grpc: null } }).protocols.grpc?.endpoint,
    "localhost:4317",
  );
});

test("the defaults are those of the README and of the Collector", () => {
  const config = configSchema.parse({ protocols: { http: null, grpc: null } });
  assert.deepEqual(config, {
    protocols: {
      http: {
        endpoint: "localhost:4318",
        transport: "tcp",
        logs_url_path: "/v1/logs",
        compression_algorithms: ["", "gzip", "zstd", "zlib", "deflate"],
        response_headers: {},
        keep_alives_enabled: true,
        max_request_body_size: 20 * 1024 * 1024,
        max_connections: 512,
        read_header_timeout: 10_000,
        read_timeout: 30_000,
        idle_timeout: 60_000,
      },
      grpc: {
        endpoint: "localhost:4317",
        transport: "tcp",
        max_recv_msg_size_mib: 4,
        max_concurrent_streams: 100,
        max_connections: 512,
        read_timeout: 30_000,
      },
    },
    acknowledge_timeout: 10_000,
    max_in_flight_bytes: 64 * 1024 * 1024,
    max_records: 100_000,
    max_values_per_record: 10_000,
    max_nesting_depth: 64,
  });
});

test("what cannot work is refused, with its place", () => {
  assert.match(problems({}), /^protocols: /);
  assert.match(problems({ protocols: {} }), /^protocols: must specify at least one protocol/);
  assert.match(
    problems({ protocols: { http: { tls: {} } } }),
    /^protocols\.http\.tls: .*cert_file/,
  );
  assert.match(problems({ protocols: { http: { tls_file: "" } } }), /^protocols\.http: .*tls_file/);
  const unix = { transport: "unix", endpoint: "localhost:4318" };
  assert.match(problems({ protocols: { grpc: unix } }), /grpc\.endpoint: .*absolute path/);
  assert.match(problems({ protocols: { http: {}, thrift: {} } }), /^protocols: .*thrift/);
  assert.match(
    problems({ protocols: { http: { endpoint: "4318" } } }),
    /^protocols\.http\.endpoint: expected host:port/,
  );
  assert.match(
    problems({ protocols: { http: { max_request_body_size: 0 } } }),
    /max_request_body_size: must be larger than 0/,
  );
  assert.match(
    problems({ protocols: { http: { read_timeout: "5s" } } }),
    /^protocols\.http\.read_header_timeout: must not be longer than read_timeout/,
  );
  assert.match(
    problems({ protocols: { http: null }, max_in_flight_bytes: "1MiB" }),
    /^max_in_flight_bytes: must be at least as large/,
  );
});

test("the schema can be shown to an editor", () => {
  const schema = z.toJSONSchema(configSchema, { io: "input" });
  assert.match(JSON.stringify(schema), /"max_recv_msg_size_mib"/);
});

test("endpoints are host:port with IPv6 in brackets", () => {
  const parts = (text: string) => {
    const endpoint = parseEndpoint(text);
    return endpoint === undefined ? undefined : [endpoint.host, endpoint.port];
  };
  assert.deepEqual(parts("localhost:4318"), ["localhost", 4318]);
  assert.deepEqual(parts("[::1]:0"), ["::1", 0]);
  assert.deepEqual(parts(":4318"), ["", 4318]);
  for (const text of [
    "localhost",
    "1:2:3",
    "[::1",
    "[zz]:1",
    "http://a:1",
    "a:65536",
    "a:",
    "a b:1",
  ]) {
    assert.equal(parts(text), undefined, text);
  }
});

test("only loopback addresses are loopback", () => {
  const loopback = (text: string) => isLoopback(parseEndpoint(text)!);
  for (const text of ["localhost:1", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1"]) {
    assert.equal(loopback(text), true, text);
  }
  for (const text of ["0.0.0.0:1", "[::]:1", ":1", "127.example.com:1", "10.0.0.1:1"]) {
    assert.equal(loopback(text), false, text);
  }
});
