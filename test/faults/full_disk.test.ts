/**
 * A disk that is full and has room again, under the vault and under a durable queue. (Under the
 * archive: test/e2e/bad_input.test.ts.) The oracle is the list of numbered lines that were written.
 */
import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { TestBackend } from "../../exporters/otlp_http/test_backend.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, runVouchsafe, startAgent } from "../support/agent.ts";
import type { SiteConfig } from "../support/site.ts";
import { countSealed, makeSite, readArchive, verifyArchive } from "../support/site.ts";
import { mountSmallDisk, skipWithoutMount } from "../support/small_disk.ts";

const LINES = 4000;
const DISK_FULL = /no space|full|ENOSPC/i;
const options = { skip: skipWithoutMount };

const receivers = (directory: string): SiteConfig["receivers"] => ({
  file_log: {
    include: [join(directory, "app.log")],
    start_at: "beginning",
    poll_interval: "50ms",
  },
});

test(
  "a vault on a full disk: records wait, none is lost, none passes in clear",
  options,
  async (t) => {
    const disk = await mountSmallDisk(t);
    const site = await makeSite(t, (directory, recipient) => ({
      receivers: receivers(directory),
      processors: {
        tokenize: {
          domain: "test",
          keys: { provider: "file", directory: join(directory, "keys") },
          entities: { email: { mode: "random" } },
          vault: {
            path: join(disk.path, "vault.sqlite"),
            roles: { support: { recipients: [recipient] } },
          },
        },
      },
    }));
    const log = join(site.directory, "app.log");
    const mail = (number: number): string => `person${number}@example.com`;
    await writeFile(log, `line 0 of ${mail(0)}\n`);
    const agent = await startAgent(t, site.configPath);
    await waitUntil("the first line is sealed", async () => (await countSealed(t, site)) === 1);
    disk.fill();
    const lines = Array.from({ length: LINES }, (_, index) => index + 1);
    await appendFile(log, lines.map((number) => `line ${number} of ${mail(number)}\n`).join(""));
    await waitUntil("the agent says so", () => DISK_FULL.test(agent.stderr()));
    assert.ok((await countSealed(t, site)) < LINES + 1, "what needs the vault waits");
    await disk.free();
    await waitUntil(
      "all is sealed",
      async () => (await countSealed(t, site)) === LINES + 1,
      60_000,
    );
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
    await verifyArchive(t, site);
    const bodies = (await readArchive(t, site)).map(({ body }) => String(body));
    const token = /^line (\d+) of (<email:random:[\w-]+>)$/;
    assert.deepEqual(
      bodies.map((body) => Number(token.exec(body)?.[1])),
      [0, ...lines],
    );
    for (const number of [0, 1, LINES]) {
      const reveal = ["reveal", token.exec(bodies[number]!)![2]!, "-i", site.identity.path];
      const { stdout } = await runVouchsafe(t, [
        ...reveal,
        "--reason",
        "test",
        "-c",
        site.configPath,
      ]);
      assert.equal(stdout, `${mail(number)}\n`);
    }
  },
);

test(
  "a queue on a full disk: nothing more is taken, and all arrives afterwards",
  options,
  async (t) => {
    const [port] = (await freePorts(1)) as [number];
    const disk = await mountSmallDisk(t);
    const site = await makeSite(t, (directory) => ({
      receivers: receivers(directory),
      exporters: {
        otlp_http: {
          endpoint: `http://127.0.0.1:${port}`,
          retry_on_failure: { initial_interval: "50ms", max_interval: "200ms" },
          sending_queue: { storage: "file_storage" },
        },
      },
      fileStorage: join(disk.path, "storage"),
      pipelines: { logs: { receivers: ["file_log"], exporters: ["otlp_http"] } },
    }));
    const log = join(site.directory, "app.log");
    await writeFile(log, "");
    const agent = await startAgent(t, site.configPath);
    disk.fill();
    const lines = Array.from({ length: LINES }, (_, index) => `line ${index} ${"x".repeat(200)}`);
    await appendFile(log, `${lines.join("\n")}\n`);
    await waitUntil("the agent says so", () => DISK_FULL.test(agent.stderr()));
    const backend = await TestBackend.start(t, port);
    await disk.free();
    const arrived = (): string[] => [...new Set(backend.records.map(({ body }) => String(body)))];
    await waitUntil("every line arrives", () => arrived().length >= LINES, 60_000);
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
    assert.deepEqual(arrived().sort(), lines.sort());
  },
);
