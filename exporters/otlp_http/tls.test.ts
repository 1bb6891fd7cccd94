import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { LogRecord } from "../../src/data/log_record.ts";
import { certificates, skipWithoutOpenssl as skip } from "../../src/testing/certificates.ts";
import { testSettings } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { OtlpHttpExporter } from "./otlp_http.ts";
import { TestBackend } from "./test_backend.ts";

test("a backend is trusted by the configured authority only", { skip }, async (context) => {
  const files = await certificates(context);
  const backend = await TestBackend.start(context, 0, serverOptions(files));
  await deliver(context, backend, { ca_file: files("ca.pem") });
  await deliver(context, backend, { insecure_skip_verify: true });
  await deliver(context, backend, { ca_file: files("ca.pem"), server_name_override: "alt.test" });
  assert.equal(backend.records.length, 3);

  const refused = { code: "otlp_http.unreachable" };
  await assert.rejects(deliver(context, backend, {}), {
    ...refused,
    message: /\(Error UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/,
  });
  const wrongName = { ca_file: files("ca.pem"), server_name_override: "other.test" };
  await assert.rejects(deliver(context, backend, wrongName), {
    ...refused,
    message: /\(Error ERR_TLS_CERT_ALTNAME_INVALID\)$/,
  });
  assert.equal(backend.records.length, 3);
});

test("mutual TLS shows the agent's own certificate", { skip }, async (context) => {
  const files = await certificates(context);
  const backend = await TestBackend.start(context, 0, {
    ...serverOptions(files),
    ca: readFileSync(files("ca.pem")),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const ca = { ca_file: files("ca.pem") };
  const own = { cert_file: files("client.pem"), key_file: files("client.key") };
  await deliver(context, backend, { ...ca, ...own });
  assert.equal(backend.records.length, 1);
  await assert.rejects(deliver(context, backend, ca), { code: "otlp_http.unreachable" });
  assert.equal(backend.records.length, 1);
});

test("files that cannot be used are found at the start", { skip }, async (context) => {
  const files = await certificates(context);
  const start = async (tls: object): Promise<void> => {
    const settings = await testSettings(context, { kind: "exporter" });
    const config = configSchema.parse({ endpoint: "https://localhost:1", tls });
    await new OtlpHttpExporter(config, settings).start();
  };
  const code = "otlp_http.tls_file";
  await assert.rejects(start({ ca_file: files("missing.pem") }), {
    code,
    message: `${files("missing.pem")}: cannot be read (Error ENOENT)`,
  });
  writeFileSync(files("garbage.pem"), "garbage");
  await assert.rejects(start({ cert_file: files("garbage.pem"), key_file: files("client.key") }), {
    code,
    message: /garbage\.pem, .*client\.key: not usable together/,
  });
  const mixed = { cert_file: files("client.pem"), key_file: files("server.key") };
  await assert.rejects(start(mixed), { code });
});

async function deliver(context: TestContext, backend: TestBackend, tls: object): Promise<void> {
  const settings = await testSettings(context, { kind: "exporter", type: "otlp_http" });
  const config = configSchema.parse({
    endpoint: backend.url,
    tls,
    retry_on_failure: { enabled: false },
  });
  const exporter = new OtlpHttpExporter(config, settings);
  await exporter.start();
  try {
    await exporter.consumeLogs({ records: [new LogRecord({ body: "x" })] });
  } finally {
    await exporter.shutdown(AbortSignal.abort());
  }
}

function serverOptions(files: (name: string) => string): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(files("server.pem")), key: readFileSync(files("server.key")) };
}
