import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { configSchema } from "../../processors/hmac_chain/config.ts";
import {
  accessLogRecords,
  knownKey,
  startChain,
  stop,
} from "../../processors/hmac_chain/testing.ts";
import { INTEGRITY_CHAIN } from "../data/integrity.ts";
import { LogRecord } from "../data/log_record.ts";
import { toOtlpJson } from "../otlp/encode_json.ts";
import { CollectingConsumer } from "../testing/collecting_consumer.ts";
import { temporaryDirectory, testSettings } from "../testing/test_settings.ts";
import { UsageError } from "./command.ts";
import { splitLines } from "./split_lines.ts";
import { verifyChainCommand } from "./verify_chain.ts";

async function run(...words: string[]) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const values: Record<string, string | boolean | string[]> = {};
  const positionals: string[] = [];
  for (const word of words) {
    const [, name, value] = /^--([a-z-]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined) positionals.push(word);
    else if (!verifyChainCommand.options[name]?.multiple) values[name] = value ?? true;
    else values[name] = [...((values[name] as string[]) ?? []), value!];
  }
  const { signal } = new AbortController();
  const code = await verifyChainCommand.run({ values, positionals }, { stdout, stderr, signal });
  stdout.end();
  stderr.end();
  return { code, out: await text(stdout), error: await text(stderr) };
}

/** An export of 40 chained records, four a line, with the options that name the keys. */
async function exported(t: TestContext) {
  const settings = await testSettings(t);
  const sink = new CollectingConsumer();
  const chain = await startChain(configSchema.parse({}), settings, sink);
  for (let batch = 0; batch < 4; batch++) {
    await chain.consumeLogs({ records: accessLogRecords(10) });
  }
  await stop(chain);
  const state = await settings.stateDirectory();
  const keys = [
    `--identity=${join(state, "auditor-identity.txt")}`,
    `--genesis=${join(state, "genesis.age")}`,
  ];
  const directory = await temporaryDirectory(t);
  const write = async (name: string, records: readonly LogRecord[], ...more: string[]) => {
    const lines: string[] = [];
    for (let start = 0; start < records.length; start += 4) {
      lines.push(toOtlpJson(records.slice(start, start + 4)));
    }
    const content = `${[...lines, ...more].join("\n")}\n`;
    const path = join(directory, name);
    await writeFile(path, name.endsWith(".gz") ? gzipSync(content) : content);
    return path;
  };
  return { records: sink.records, keys, write };
}

test("says that an export is whole, plain or packed, with other records between", async (t) => {
  const { records, keys, write } = await exported(t);
  const other = toOtlpJson([new LogRecord({ body: "no chain" })]);
  for (const name of ["export.jsonl", "export.jsonl.gz"]) {
    const { code, out } = await run(await write(name, records, "", other), ...keys);
    assert.match(out, /^whole: all 40 records are as the agent wrote them\n/);
    assert.match(out, /1 record without a chain ignored/);
    assert.equal(code, 0);
  }
});

test("names the line and the record of what was tampered with", async (t) => {
  const { records, keys, write } = await exported(t);
  const edited = records[17]!.with("nothing to see", records[17]!.attributes);
  const tampered = [
    ...records.slice(0, 17),
    edited,
    ...records.slice(18, 25),
    ...records.slice(30),
  ];
  const path = await write("export.jsonl", [...tampered, records[3]!]);
  const { code, out } = await run(path, ...keys);
  assert.equal(code, 1);
  assert.match(out, /^tampered: 3 findings in 36 records\n/);
  assert.match(out, /edit {6}sequence 17 +line 5, record 2: is not what the agent wrote/);
  assert.match(out, /hole {6}sequences 25-29 +5 records are missing/);
  assert.match(out, /duplicate sequence 3 +line 9, record 4: is there already: line 1, record 4/);
  const json = JSON.parse((await run(path, ...keys, "--json")).out);
  assert.equal(json.verdict, "tampered");
  assert.deepEqual(json.reports[0].counts.hole, 1);
  assert.equal(out.includes("nothing to see"), false);
});

test("shows a cut end only against a known sequence, and a border as such", async (t) => {
  const { records, keys, write } = await exported(t);
  const cut = await write("cut.jsonl", records.slice(0, 35));
  assert.equal((await run(cut, ...keys)).code, 0);
  const { code, out } = await run(cut, ...keys, "--expect-last=39");
  assert.equal(code, 1);
  assert.match(out, /sequences 35-39/);
  const tail = await write("tail.jsonl", records.slice(15));
  assert.equal((await run(tail, ...keys)).code, 1);
  const border = await run(tail, ...keys, "--expect-first=15");
  assert.equal(border.code, 0);
  assert.match(border.out, /except the content of 1 at a border/);
});

test("takes what the archive dropped as replayed from the output of verify", async (t) => {
  const { records, keys, write } = await exported(t);
  const chain = String(records[0]!.attributes[INTEGRITY_CHAIN]);
  const path = await write("export.jsonl", [...records.slice(0, 10), ...records.slice(14)]);
  const verified = async (status: string, name: string) => {
    const result = { status, dropped: [{ chain: name, first: 10, last: 13 }] };
    const file = `${path}.${status}.json`;
    await writeFile(file, JSON.stringify(result));
    return run(path, ...keys, `--dropped=${file}`);
  };
  const without = await run(path, ...keys);
  assert.equal(without.code, 1);
  assert.match(without.out, /a sealed archive lists .* --dropped/);
  assert.equal((await run(path, ...keys, "--dropped=10-13")).code, 0);
  const whole = await verified("whole", chain);
  assert.equal(whole.code, 0, whole.out);
  assert.match(whole.out, /4 sequences missing where the agent, or you, explain it/);
  assert.equal((await verified("whole", "0".repeat(32))).code, 1, "those of another chain");
  const tampered = await verified("tampered", chain);
  assert.equal(tampered.code, 2);
  assert.match(tampered.error, /does not say that the archive is whole/);
});

test("shows at most 20 findings unless asked for all", async (t) => {
  const { records, keys, write } = await exported(t);
  const path = await write("twice.jsonl", [...records, ...records]);
  const few = await run(path, ...keys);
  assert.equal(few.out.match(/duplicate sequence/g)?.length, 20);
  assert.match(few.out, /and 20 more \(in all: duplicate 40\); see --all/);
  assert.equal((await run(path, ...keys, "--all")).out.match(/duplicate sequence/g)?.length, 40);
});

test("says when it could not check", async (t) => {
  const { records, keys, write } = await exported(t);
  const stranger = await exported(t);
  const path = await write("export.jsonl", records);
  const empty = await write("empty.jsonl", []);
  const cases: [string[], RegExp][] = [
    [[path, ...stranger.keys], /^could not check: the file has no record of chain/],
    [[path, keys[0]!, stranger.keys[1]!], /does not open with this identity/],
    [[empty, ...keys], /the file has no record of chain/],
    [[`${path}.absent`, ...keys], /cannot read .*: ENOENT/],
    [[path, "--key=/nonexistent/key"], /cannot read \/nonexistent\/key: ENOENT/],
  ];
  for (const [words, expected] of cases) {
    const { code, out, error } = await run(...words);
    assert.equal(code, 2);
    assert.match(out + error, expected);
  }
  await assert.rejects(run(path), UsageError);
  await assert.rejects(run(path, keys[1]!), UsageError);
  assert.match((await run(path, ...keys, "--dropped=5-2")).error, /cannot read 5-2: ENOENT/);
});

test("checks the chains that it has keys for, and names the others", async (t) => {
  const one = await exported(t);
  const other = await exported(t);
  const path = await one.write("both.jsonl", [...one.records, ...other.records], "{torn");
  const single = await run(path, ...one.keys);
  assert.equal(single.code, 0);
  assert.match(single.out, /not checked, no key for: [0-9a-f]{32} \(40 records\)/);
  assert.match(single.out, /1 line not OTLP JSON; the first is line 21:/);
  const both = await run(path, ...one.keys, ...other.keys);
  assert.match(both.out, /^whole: all 80 records/);
});

test("a key that names no chain is tried on each, and fits its own", async (t) => {
  const settings = await testSettings(t);
  const { config } = await knownKey(settings);
  const sink = new CollectingConsumer();
  const chain = await startChain(config, settings, sink);
  await chain.consumeLogs({ records: accessLogRecords(10) });
  await stop(chain);
  const other = await exported(t);
  const path = await other.write("both.jsonl", [...other.records, ...sink.records]);
  const fits = await run(path, `--key=${config.key_file}`);
  assert.equal(fits.code, 0);
  assert.match(fits.out, /^whole: all 10 records/);
  const foreign = await other.write("foreign.jsonl", other.records);
  const none = await run(foreign, `--key=${config.key_file}`);
  assert.deepEqual(
    [none.code, none.out.split("\n")[0]],
    [2, "could not check: no record fits this key; is it the key of another chain?"],
  );
});

test("reads the standard input through the program itself", async (t) => {
  const { records, keys } = await exported(t);
  const words = ["src/main.ts", "verify-chain", "-", ...keys];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
  const out = text(child.stdout);
  child.stdin.end(toOtlpJson(records));
  const [code] = await once(child, "exit");
  assert.match(await out, /^whole: all 40 records/);
  assert.equal(code, 0);
});

test("cuts lines wherever the chunks end", async () => {
  const content = Buffer.from("one\r\n\ntwo\nthree");
  for (let size = 1; size <= content.length; size++) {
    const chunks = Array.from({ length: Math.ceil(content.length / size) }, (_, index) =>
      content.subarray(index * size, (index + 1) * size),
    );
    const lines: string[] = [];
    for await (const line of splitLines(PassThrough.from(chunks))) lines.push(String(line));
    assert.deepEqual(lines, ["one", "", "two", "three"]);
  }
});
