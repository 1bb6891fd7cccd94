/** Canaries in a running agent: health and metrics show them, and no exporter does. */
import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, runVouchsafe, startAgent } from "../support/agent.ts";

interface Health {
  readonly status: string;
  readonly components: Record<string, { status: string; reason?: string }>;
}

/** A log file and a canary receiver through `processors` to the terminal. */
async function configure(t: TestContext, processors: string) {
  const directory = await temporaryDirectory(t);
  const [metricsPort, healthPort] = await freePorts(2);
  const path = join(directory, "vouchsafe.yaml");
  const log = join(directory, "app.log");
  await writeFile(log, "");
  await writeFile(
    path,
    `receivers:
  file_log: { include: [${log}], start_at: beginning }
  canary: { interval: 1s }
processors: { pii_detect: {}, pii_detect/half: { entities: [default, -email] }, leak_guard: {} }
exporters: { debug: { verbosity: detailed } }
extensions: { health_check: { endpoint: "localhost:${healthPort}" } }
service:
  state_directory: ${join(directory, "state")}
  extensions: [health_check]
  telemetry:
    metrics:
      readers: [{ pull: { exporter: { prometheus: { host: localhost, port: ${metricsPort} } } } }]
  pipelines:
    logs: { receivers: [file_log, canary], processors: [${processors}], exporters: [debug] }
`,
  );
  const health = async (): Promise<Health> => {
    const response = await fetch(`http://localhost:${healthPort}/`);
    return (await response.json()) as Health;
  };
  const metrics = async (): Promise<string> =>
    (await fetch(`http://localhost:${metricsPort}/metrics`)).text();
  return { path, log, health, metrics };
}

test("canaries end at the guard; the records beside them leave", async (t) => {
  const { path, log, health, metrics } = await configure(t, "pii_detect, leak_guard");
  const agent = await startAgent(t, path);
  await waitUntil("two rounds", async () =>
    /vouchsafe_canary_sent\{[^}]*kind="email"[^}]*\} [2-9]/.test(await metrics()),
  );
  await appendFile(log, "an ordinary line of anna@example.com\n");
  await waitUntil("the line", () =>
    agent.stdout().includes("an ordinary line of [REDACTED:email]"),
  );
  const text = await metrics();
  assert.match(
    text,
    /vouchsafe_leak_guard_canaries\{[^}]*kind="iban"[^}]*outcome="treated"[^}]*\}/,
  );
  assert.match(text, /vouchsafe_canary_last_treated_time_seconds\{[^}]*pipeline="logs"/);
  assert.doesNotMatch(text, /outcome="leaked"/);
  assert.equal((await health()).status, "ok");
  const { stdout, stderr } = await agent.stop();
  assert.doesNotMatch(`${stdout}${stderr}${text}`, /canary\.invalid|\+447700900|AKIA/);
});

test("a detector that looks away shows in health and log within a round", async (t) => {
  const { path, health } = await configure(t, "pii_detect/half, leak_guard");
  const agent = await startAgent(t, path);
  await waitUntil("the alert", async () => (await health()).status === "degraded");
  const { components } = await health();
  assert.equal(
    components["receiver:canary"]!.reason,
    "canaries came through unprotected: email in logs",
  );
  assert.match(components["processor:leak_guard@logs"]!.reason!, /a canary came through/);
  const { stdout, stderr } = await agent.stop();
  assert.match(stderr, /error\s+canary\s+a canary came through unprotected/);
  assert.doesNotMatch(`${stdout}${stderr}`, /canary\.invalid/);
});

test("validate names a canary without a guard, and a guard that stands too early", async (t) => {
  const without = await configure(t, "pii_detect");
  const { code, stdout } = await runVouchsafe(t, ["validate", "-c", without.path]);
  assert.equal(code, 78);
  assert.match(stdout, /yaml:14:\d+ \S+receivers\[1\]: .* add the processor leak_guard/);
  const early = await configure(t, "leak_guard, pii_detect");
  const second = await runVouchsafe(t, ["validate", "-c", early.path]);
  assert.equal(second.code, 78);
  assert.match(second.stdout, /pii_detect behind it would change/);
});
