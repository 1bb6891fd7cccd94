/**
 * Two hosts, as network namespaces with a cable between them that is pulled again and again. The
 * oracle is the list of lines written on the one: each must be in the archive of the other.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, startAgent } from "../support/agent.ts";
import { countSealed, makeSite, readArchive, verifyArchive } from "../support/site.ts";
import { TOOL_PATH } from "../support/tools.ts";

const CUTS = 5;
const LINES = 200;
const CUT_MS = 1500;
const ADDRESSES = ["192.0.2.1", "192.0.2.2"] as const;

const environment = { ...process.env, PATH: TOOL_PATH };

function ip(...words: string[]): void {
  execFileSync("ip", words, { stdio: "pipe", env: environment });
}

/** Why no namespace can be made here, false when one can. */
function skipWithoutNamespaces(): string | false {
  const probe = `vouchsafe-probe-${process.pid}`;
  try {
    ip("netns", "add", probe);
    ip("netns", "delete", probe);
    return false;
  } catch {
    return "`ip netns` does not work here: it needs root and iproute2";
  }
}

interface Host {
  readonly name: string;
  readonly launcher: readonly string[];
}

function connectHosts(t: TestContext): { sender: Host; receiver: Host; plug(state: string): void } {
  const [sender, receiver] = (["a", "b"] as const).map((letter): Host => {
    const name = `vouchsafe-${letter}-${process.pid}`;
    ip("netns", "add", name);
    t.after(() => ip("netns", "delete", name));
    return { name, launcher: ["ip", "netns", "exec", name] };
  }) as [Host, Host];
  const cable = ["link", "add", "cable", "netns", sender.name, "type", "veth"];
  ip(...cable, "peer", "name", "cable", "netns", receiver.name);
  for (const [index, { name }] of [sender, receiver].entries()) {
    ip("-n", name, "address", "add", `${ADDRESSES[index]}/24`, "dev", "cable");
    ip("-n", name, "link", "set", "cable", "up");
    ip("-n", name, "link", "set", "lo", "up");
  }
  const plug = (state: string): void => ip("-n", sender.name, "link", "set", "cable", state);
  return { sender, receiver, plug };
}

test(`${CUTS} cuts of the network between two agents`, {
  skip: skipWithoutNamespaces(),
}, async (t) => {
  const { sender, receiver, plug } = connectHosts(t);
  const [port] = (await freePorts(1)) as [number];
  const far = await makeSite(t, () => ({
    receivers: { otlp: { protocols: { http: { endpoint: `${ADDRESSES[1]}:${port}` } } } },
    pipelines: { logs: { receivers: ["otlp"], exporters: ["sealed_archive"] } },
  }));
  const near = await makeSite(t, (directory) => ({
    receivers: {
      file_log: {
        include: [join(directory, "app.log")],
        start_at: "beginning",
        poll_interval: "50ms",
      },
    },
    exporters: {
      otlp_http: {
        endpoint: `http://${ADDRESSES[1]}:${port}`,
        timeout: "1s",
        retry_on_failure: { initial_interval: "50ms", max_interval: "200ms" },
        sending_queue: { storage: "file_storage" },
      },
    },
    fileStorage: join(directory, "storage"),
    pipelines: { logs: { receivers: ["file_log"], exporters: ["otlp_http"] } },
  }));
  const log = join(near.directory, "app.log");
  await writeFile(log, "");
  const receiving = await startAgent(t, far.configPath, {
    launcher: receiver.launcher,
    environment,
  });
  const sending = await startAgent(t, near.configPath, { launcher: sender.launcher, environment });
  const written: string[] = [];
  const write = async (): Promise<void> => {
    const lines = Array.from({ length: LINES }, (_, index) => `line ${written.length + index}`);
    await appendFile(log, `${lines.join("\n")}\n`);
    written.push(...lines);
  };
  for (let cut = 0; cut < CUTS; cut++) {
    await write();
    // Half of the cuts come while lines are under way, half when all has arrived.
    if (cut % 2 === 0) {
      await waitUntil("all arrived", async () => (await countSealed(t, far)) >= written.length);
    }
    plug("down");
    await write();
    const endMs = Date.now() + CUT_MS;
    await waitUntil("the cut is over", () => Date.now() >= endMs);
    plug("up");
  }
  const bodies = async (): Promise<string[]> =>
    (await readArchive(t, far)).map(({ body }) => String(body));
  const arrived = async (): Promise<boolean> =>
    (await countSealed(t, far)) >= written.length &&
    new Set(await bodies()).size === written.length;
  await waitUntil("every line arrives", arrived, 60_000);
  for (const agent of [sending, receiving]) {
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
  }
  await verifyArchive(t, far);
  const sealed = await bodies();
  assert.deepEqual([...new Set(sealed)].sort(), written.sort());
  t.diagnostic(
    `cuts ${CUTS}, lines ${written.length}, sent twice ${sealed.length - written.length}`,
  );
});
