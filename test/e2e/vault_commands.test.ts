/** `reveal` and `erase` beside a running agent, with its vault and its archive. */
import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { runVouchsafe, startAgent, writeIdentity } from "../support/agent.ts";

const ANNA = "anna.lind@example.com";
const BERT = "bert.holm@example.com";
const TOKEN = /<email:[a-z0-9]+:[\w-]+>/g;

async function agentWithVault(t: TestContext, mode: string) {
  const directory = await temporaryDirectory(t);
  for (const name of ["support", "other"]) await mkdir(join(directory, name));
  const support = await writeIdentity(join(directory, "support"));
  const other = await writeIdentity(join(directory, "other"));
  const keys = join(directory, "keys");
  assert.equal((await runVouchsafe(t, ["keys", "generate", "token", "-d", keys])).code, 0);
  const path = join(directory, "vouchsafe.yaml");
  const log = join(directory, "app.log");
  const agentFiles = join(directory, "agent");
  const archive = join(agentFiles, "archive");
  const fields = "parse_to: attributes";
  await writeFile(log, "");
  await writeFile(
    path,
    `receivers:
  file_log:
    include: [${log}]
    start_at: beginning
    operators: [{ type: json_parser, ${fields} }]
processors:
  pii_detect: {}
  tokenize:
    domain: shop
    keys: { directory: ${keys} }
    entities: { email: { mode: ${mode} } }
    vault:
      roles: { support: { recipients: [${support.recipient}] } }
      subject: { attribute: customer }
exporters:
  debug: { verbosity: detailed }
  sealed_archive: { directory: ${archive}, origin: shop/log, recipients: [${other.recipient}] }
service:
  state_directory: ${join(agentFiles, "state")}
  pipelines:
    logs:
      receivers: [file_log]
      processors: [pii_detect, tokenize]
      exporters: [debug, sealed_archive]
`,
  );
  const agent = await startAgent(t, path);
  const write = (customer: string, mail: string): Promise<void> =>
    appendFile(log, `${JSON.stringify({ customer, mail })}\n`);
  await write("c-1", ANNA);
  await write("c-2", BERT);
  await waitUntil("both lines", () => (agent.stdout().match(/customer/g) ?? []).length >= 2);
  // Under `encrypt` each place has a ciphertext of its own.
  const tokens = agent.stdout().match(TOKEN) ?? [];
  const run = (...words: string[]) => runVouchsafe(t, [...words, "-c", path]);
  const reveal = (token: string, identity = support.path) =>
    run("reveal", token, "-i", identity, "--reason", "ticket 17", "--role", "support");
  return {
    directory,
    agentFiles,
    archive,
    agent,
    annas: tokens.at(0)!,
    berts: tokens.at(-1)!,
    other,
    run,
    reveal,
    write,
  };
}

async function entriesOf(t: TestContext, archive: string): Promise<string> {
  const { stdout, code } = await runVouchsafe(t, ["verify", archive]);
  assert.equal(code, 0, stdout);
  return stdout;
}

for (const mode of ["hmac", "random", "encrypt"]) {
  test(`${mode}: revealed on the record, and closed after an erasure`, async (t) => {
    const { directory, agentFiles, archive, agent, annas, berts, other, run, reveal } =
      await agentWithVault(t, mode);
    const closed = await reveal(annas, other.path);
    assert.equal(closed.code, 1);
    assert.match(closed.stderr, /its role may not see it/);
    const shown = await reveal(annas);
    assert.deepEqual([shown.code, shown.stdout], [0, `${ANNA}\n`], shown.stderr);

    const erase = ["erase", "--subject", "c-1", "--reason", "request 44"];
    const dry = await run(...erase, "--dry-run");
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /^would erase .* nothing was erased$/m);
    assert.equal((await reveal(annas)).stdout, `${ANNA}\n`);
    const certificate = join(directory, "erasure.note");
    const erased = await run(...erase, "-o", certificate);
    assert.equal(erased.code, 0, erased.stderr);
    const note = await readFile(certificate, "utf8");
    assert.match(note, /"type":"vouchsafe-erasure\/1".*\n\n— shop\/log [\w+/=]+\n$/);
    assert.equal(note.includes("c-1"), false);

    const gone = await reveal(annas);
    assert.deepEqual([gone.code, gone.stdout], [1, ""]);
    assert.equal((await reveal(berts)).stdout, `${BERT}\n`);
    const finished = await agent.stop();
    assert.equal(finished.code, 0, finished.stderr);
    assert.equal(`${finished.stderr}${finished.stdout}`.includes(ANNA), false);
    for (const entry of await readdir(agentFiles, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const bytes = await readFile(join(entry.parentPath, entry.name));
      assert.equal(bytes.includes(ANNA), false, entry.name);
    }
    // Without an agent the commands write into the archive themselves.
    assert.equal((await reveal(berts)).stdout, `${BERT}\n`);
    const entries = await entriesOf(t, archive);
    assert.equal(entries.match(/has revealed/g)?.length, 4, entries);
    assert.equal(entries.match(/erased .*1 (values|field_keys)/g)?.length, 1, entries);
  });
}

test("after a rotation of the root key the old token and the new one reveal", async (t) => {
  const { directory, agent, annas, reveal, write } = await agentWithVault(t, "hmac");
  const rotated = await runVouchsafe(t, ["keys", "rotate", "-d", join(directory, "keys")]);
  assert.equal(rotated.code, 0, rotated.stderr);
  const tokens = (): string[] => agent.stdout().match(TOKEN) ?? [];
  await waitUntil("a token of the new key", async () => {
    await write("c-1", ANNA);
    return tokens().at(-1)!.split(":")[1] !== annas.split(":")[1];
  });
  for (const token of [annas, tokens().at(-1)!]) {
    assert.equal((await reveal(token)).stdout, `${ANNA}\n`, token);
  }
  assert.equal((await agent.stop()).code, 0);
});

test("without an archive nothing is revealed; without its words no command begins", async (t) => {
  const { directory, run, annas, reveal, agent } = await agentWithVault(t, "random");
  await agent.stop();
  const path = join(directory, "vouchsafe.yaml");
  const whole = await readFile(path, "utf8");
  const part = whole
    .replace(/ {2}sealed_archive: .*\n/, "")
    .replace("[debug, sealed_archive]", "[debug]");
  await writeFile(path, part);
  const refused = await reveal(annas);
  assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /no sealed_archive to record it/);
  assert.equal(
    (await run("reveal", annas, "-i", join(directory, "support", "identity.txt"))).code,
    64,
  );
  assert.equal((await run("erase", "--subject", "c-1", "--reason", "x")).code, 64);
});
