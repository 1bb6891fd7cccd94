/** Another configuration while records flow: none is lost, none comes twice. */
import assert from "node:assert/strict";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { waitUntil } from "../../src/testing/wait_until.ts";
import type { AgentProcess } from "../support/agent.ts";
import { runVouchsafe, startVouchsafe } from "../support/agent.ts";
import type { Site } from "../support/site.ts";
import { countSealed, makeSite, readArchive, verifyArchive } from "../support/site.ts";

async function startSite(t: TestContext, ...words: string[]) {
  const site = await makeSite(t, (directory) => ({
    receivers: { file_log: { include: [join(directory, "app.log")], start_at: "beginning" } },
  }));
  await writeFile(join(site.directory, "app.log"), "");
  const agent = startVouchsafe(t, ["run", "-c", site.configPath, ...words]);
  await waitUntil("it is ready", () => agent.stderr().includes("everything is ready"));
  return { site, agent };
}

async function change(site: Site, edit: (config: Config) => void): Promise<void> {
  const config = parse(await readFile(site.configPath, "utf8")) as Config;
  edit(config);
  await writeFile(site.configPath, stringify(config));
}

interface Config {
  receivers: Record<string, Record<string, unknown>>;
  processors: Record<string, unknown>;
  service: {
    state_directory: string;
    pipelines: Record<string, { processors: string[]; receivers: string[] }>;
  };
}

const count = (agent: AgentProcess, text: string) => agent.stderr().split(text).length - 1;

test("five reloads while lines are written lose none and double none", async (t) => {
  const { site, agent } = await startSite(t);
  let lines = 0;
  const write = async (): Promise<void> => {
    const text = Array.from({ length: 200 }, () => `line ${lines++}\n`).join("");
    await appendFile(join(site.directory, "app.log"), text);
  };
  for (let round = 1; round <= 5; round++) {
    await change(site, ({ processors, service }) => {
      processors.batch = { timeout: `${round}0ms` };
      const { logs } = service.pipelines;
      logs!.processors = ["batch", "pii_detect", "tokenize", "hmac_chain"];
    });
    await write();
    agent.child.kill("SIGHUP");
    await write();
    await waitUntil("it is reloaded", () => count(agent, "reloaded") === round);
  }
  await waitUntil("all is sealed", async () => (await countSealed(t, site)) >= lines);
  assert.equal((await agent.stop()).code, 0);
  const bodies = (await readArchive(t, site)).map(({ body }) => body);
  assert.deepEqual(
    bodies,
    Array.from({ length: lines }, (_, index) => `line ${index}`),
  );
  await verifyArchive(t, site);
  const evidence = join(site.directory, "evidence");
  const words = ["report", site.archive, "-o", evidence, "-c", site.configPath];
  const { code, stderr } = await runVouchsafe(t, [...words, "-i", site.identity.path]);
  assert.equal(code, 0, stderr);
  const report = JSON.parse(await readFile(join(evidence, "report.json"), "utf8"));
  assert.equal(report.agent.configurations.length, 6);
  assert.equal(report.configured.is_in_force, true);
  assert.equal(report.integrity.chained_records, lines);
  assert.deepEqual(report.agent.silences, []);
});

test("a mistake, a component that cannot start and a fixed key leave the old one", async (t) => {
  const { site, agent } = await startSite(t);
  const before = await readFile(site.configPath, "utf8");
  const hup = () => agent.child.kill("SIGHUP");
  await writeFile(site.configPath, `${before}\nnonsense: {}\n`);
  hup();
  await waitUntil("the mistake is shown", () => agent.stderr().includes("unknown section"));

  await writeFile(site.configPath, before);
  await change(site, ({ receivers, service }) => {
    receivers.otlp = { protocols: { http: { endpoint: `127.0.0.1:${site.metricsPort}` } } };
    service.pipelines.logs!.receivers.push("otlp");
  });
  hup();
  await waitUntil("it goes back", () => agent.stderr().includes("the old one runs again"));

  await writeFile(site.configPath, before);
  await change(site, ({ service }) => {
    service.state_directory += "2";
  });
  hup();
  await waitUntil("it refuses", () => agent.stderr().includes("needs a restart"));

  await appendFile(join(site.directory, "app.log"), "still here\n");
  await waitUntil("it is sealed", async () => (await countSealed(t, site)) === 1);
  const health = await fetch(`http://127.0.0.1:${site.healthPort}/`);
  assert.equal(((await health.json()) as { status: string }).status, "ok");
  assert.equal((await agent.stop()).code, 0);
});

test("--watch reloads when the file changes", async (t) => {
  const { site, agent } = await startSite(t, "--watch");
  await change(site, ({ receivers }) => {
    receivers.file_log!.poll_interval = "150ms";
  });
  await waitUntil("it is reloaded", () => agent.stderr().includes("reloaded"));
  assert.equal((await agent.stop()).code, 0);
});
