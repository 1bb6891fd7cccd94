/** Configurations as users write them, against the components that are built in. */
import assert from "node:assert/strict";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { builtinFactories } from "./builtin.ts";
import { formatDiagnostic } from "./diagnostics.ts";
import { loadConfig } from "./load.ts";

const DEFAULT = fileURLToPath(new URL("default.yaml", import.meta.url));

const EXAMPLE = `receivers:
  file_log/nginx:                      # alias: filelog
    include: [/var/log/nginx/access.log]
    start_at: beginning
    operators: [{ type: access_log_parser }]
  otlp: { protocols: { http: { endpoint: localhost:4318 }, grpc: { endpoint: localhost:4317 } } }
processors:
  pii_detect: { entities: [default] }
  tokenize: { domain: prod-eu, keys: { provider: file, directory: ./keys } }
  hmac_chain: {}
  dp_window:
    dataset: access-logs
    unit: { attribute: user.id, fallback: [client.address] }
    budget: { epsilon: "2", delta: "1e-9" }
    window: { size: 1m }
exporters:
  otlp_http: { endpoint: http://localhost:14318 }     # alias: otlphttp
  sealed_archive: { directory: ./archive, origin: example.com/host1, recipients: [RECIPIENT] }
  debug: {}
service:
  state_directory: ./state
  pipelines:
    logs/protected:
      receivers: [file_log/nginx, otlp]
      processors: [pii_detect, tokenize, hmac_chain]
      exporters: [otlp_http, sealed_archive]
    logs/numbers:   { receivers: [file_log/nginx], processors: [dp_window], exporters: [otlp_http] }
`;

async function recipient(): Promise<string> {
  return identityToRecipient(await generateX25519Identity());
}

test("the configuration of the documentation loads", async () => {
  const text = EXAMPLE.replace("RECIPIENT", await recipient());
  const { config, diagnostics } = await loadConfig(["example.yaml"], {
    env: {},
    factories: builtinFactories,
    readFile: async () => new TextEncoder().encode(text),
  });
  assert.deepEqual(
    diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic),
    [],
  );
  assert.deepEqual(
    config?.pipelines.map(({ id }) => id),
    ["logs/protected", "logs/numbers"],
  );
});

test("the default configuration needs nothing but the auditor's recipient", async () => {
  const load = (env: Record<string, string>) =>
    loadConfig([DEFAULT], { env, factories: builtinFactories });
  const { config, diagnostics } = await load({ VOUCHSAFE_AUDITOR: await recipient() });
  assert.deepEqual(diagnostics.map(formatDiagnostic), []);
  assert.equal(config?.service.healthCheck?.port, 13_133);
  const missing = await load({});
  assert.ok(missing.diagnostics.length > 0);
  for (const { message } of missing.diagnostics) {
    assert.match(message, /^the environment variable VOUCHSAFE_AUDITOR is not set/);
  }
});

test("every component accepts the names of its aliases", () => {
  const all = Object.values(builtinFactories).flat();
  const names = all.flatMap(({ kind, type, aliases }) =>
    [type, ...aliases].map((name) => `${kind} ${name}`),
  );
  assert.equal(new Set(names).size, names.length, "no name stands for two components of a kind");
});
