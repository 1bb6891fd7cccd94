/** Sources beside files and OTLP, from programs that are not ours into a sealed archive. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts, startAgent, startVouchsafe } from "../support/agent.ts";
import { countSealed, makeSite, readArchive, verifyArchive } from "../support/site.ts";
import { skipWithout } from "../support/tools.ts";

test("a pipe is sealed to its end, and then the agent stops", async (t) => {
  const site = await makeSite(t, () => ({ receivers: { stdin: {} } }));
  const lines = 'i=0; while [ $i -lt 3000 ]; do echo "line $i of a pipe"; i=$((i+1)); done | "$@"';
  const agent = startVouchsafe(t, ["run", "-c", site.configPath], {
    launcher: ["sh", "-c", lines, "sh"],
  });
  const { code, stderr } = await agent.exited;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /standard input has ended/);
  await verifyArchive(t, site);
  const bodies = (await readArchive(t, site)).map(({ body }) => body);
  assert.deepEqual(
    bodies,
    Array.from({ length: 3000 }, (_, index) => `line ${index} of a pipe`),
  );
});

test("what the program logger sends over TCP and UDP is sealed, and protected", {
  skip: skipWithout("logger"),
}, async (t) => {
  const [port] = (await freePorts(1)) as [number];
  const endpoint = { listen_address: `127.0.0.1:${port}` };
  const site = await makeSite(t, () => ({
    receivers: {
      syslog: { protocol: "rfc5424", enable_octet_counting: true, tcp: endpoint, udp: endpoint },
    },
    processors: { pii_detect: { entities: ["email"] } },
  }));
  const agent = await startAgent(t, site.configPath);
  const send = (text: string, ...words: string[]): void => {
    const common = ["--server", "127.0.0.1", "--port", String(port), "--tag", "shop"];
    execFileSync("logger", [...common, "--rfc5424", "-p", "auth.warning", ...words, text]);
  };
  send("mail to anna.example@example.com", "--tcp");
  send("alpha=ok\nbeta=ok", "--tcp", "--octet-count");
  send("datagram", "--udp", "--msgid", "ID7", "--id=42");
  await waitUntil("three records", async () => (await countSealed(t, site)) === 3, 60_000);
  const { code, stderr } = await agent.stop();
  assert.equal(code, 0, stderr);
  const records = (await readArchive(t, site)).filter(({ attributes }) => attributes.appname);
  assert.equal(records.length, 3);
  const message = (index: number): unknown => records[index]!.attributes.message;
  assert.match(String(message(0)), /^mail to <email:/);
  assert.equal(message(1), "alpha=ok\nbeta=ok");
  assert.equal(message(2), "datagram");
  assert.equal(records[2]!.attributes.proc_id, "42");
  assert.equal(records[2]!.attributes.msg_id, "ID7");
  assert.equal(records[0]!.attributes.facility_text, "auth");
  assert.ok(!JSON.stringify(records).includes("anna.example"));
});
