/** A wish to stop may arrive twice at once; only a later one cuts off what is under way. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import type { AgentProcess } from "../support/agent.ts";
import { startAgent } from "../support/agent.ts";

/** An agent with a record on its way, and the answer that the backend has still to give. */
async function agentInMidDelivery(
  t: TestContext,
): Promise<{ agent: AgentProcess; answer: ServerResponse }> {
  const directory = await temporaryDirectory(t);
  let answer: ServerResponse | undefined;
  const backend = createServer((_request, response) => {
    answer = response;
  }).listen(0, "127.0.0.1");
  await once(backend, "listening");
  t.after(() => backend.closeAllConnections());
  t.after(() => backend.close());
  const log = join(directory, "app.log");
  await writeFile(log, "a line\n");
  const config = join(directory, "vouchsafe.yaml");
  const endpoint = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
  const file = {
    receivers: { file_log: { include: [log], start_at: "beginning" } },
    exporters: { otlp_http: { endpoint } },
    extensions: { health_check: { endpoint: "127.0.0.1:0" } },
    service: {
      extensions: ["health_check"],
      state_directory: join(directory, "state"),
      telemetry: { metrics: { level: "none" } },
      pipelines: { logs: { receivers: ["file_log"], exporters: ["otlp_http"] } },
    },
  };
  await writeFile(config, JSON.stringify(file));
  const agent = await startAgent(t, config);
  await waitUntil("the backend has the request", () => answer !== undefined);
  return { agent, answer: answer! };
}

test("a signal that comes twice at once still delivers what is under way", async (t) => {
  const { agent, answer } = await agentInMidDelivery(t);
  agent.child.kill("SIGINT");
  await waitUntil("the agent stops", () => agent.stderr().includes("stopping"));
  agent.child.kill("SIGINT");
  answer.writeHead(200).end();
  const { code, stderr } = await agent.exited;
  assert.equal(code, 0, stderr);
});

test("a second signal later ends the agent at once", async (t) => {
  const { agent } = await agentInMidDelivery(t);
  const endMs = performance.now() + 1500;
  agent.child.kill("SIGTERM");
  await waitUntil("more than a second went by", () => performance.now() > endMs);
  const { code } = await agent.stop("SIGTERM");
  assert.equal(code, 128 + 15);
});
