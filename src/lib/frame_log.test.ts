import assert from "node:assert/strict";
import { appendFile, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { AgentError } from "../component/errors.ts";
import { temporaryDirectory } from "../testing/test_settings.ts";
import { crc32c } from "./crc32c.ts";
import { FrameLog } from "./frame_log.ts";

const frames = ["one", "second frame", "3"].map((text) => Buffer.from(text));

test("computes the CRC-32C of RFC 3720 appendix B.4", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e);
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
});

test("reads back what was appended", async (t) => {
  const path = join(await temporaryDirectory(t), "log");
  const { log } = await FrameLog.open(path);
  await log.append(frames.slice(0, 2));
  await log.append(frames.slice(2));
  await log.sync();
  await log.close();
  const opened = await FrameLog.open(path);
  assert.deepEqual(opened.frames.map(String), frames.map(String));
  await opened.log.close();
});

test("keeps every whole frame when the file is cut at any byte", async (t) => {
  const path = join(await temporaryDirectory(t), "log");
  const { log } = await FrameLog.open(path);
  await log.append(frames);
  await log.close();
  const whole = await readFile(path);
  const ends = [0, 11, 31, 40];
  assert.equal(whole.length, ends.at(-1));
  for (let length = 0; length <= whole.length; length++) {
    await writeFile(path, whole);
    await truncate(path, length);
    const opened = await FrameLog.open(path);
    assert.equal(opened.frames.length, ends.filter((end) => end > 0 && end <= length).length);
    await opened.log.append([Buffer.from("next")]);
    await opened.log.close();
    const again = await FrameLog.open(path);
    assert.equal(String(again.frames.at(-1)), "next");
    await again.log.close();
  }
});

test("refuses a file that is damaged before its end", async (t) => {
  const path = join(await temporaryDirectory(t), "log");
  const { log } = await FrameLog.open(path);
  await log.append(frames);
  await log.close();
  const bytes = await readFile(path);
  bytes[9]! ^= 1;
  await writeFile(path, bytes);
  await assert.rejects(
    FrameLog.open(path),
    (error) => error instanceof AgentError && error.code === "storage.corrupt",
  );
});

test("cuts a tail of zeros, as a file system may leave it after a power cut", async (t) => {
  const path = join(await temporaryDirectory(t), "log");
  const { log } = await FrameLog.open(path);
  await log.append(frames);
  await log.close();
  await appendFile(path, new Uint8Array(4096));
  const opened = await FrameLog.open(path);
  assert.equal(opened.frames.length, 3);
  assert.equal(opened.cutBytes, 4096);
  await opened.log.close();
});

test("takes back what was not synced", async (t) => {
  const path = join(await temporaryDirectory(t), "log");
  const { log } = await FrameLog.open(path);
  await log.append(frames.slice(0, 1));
  await log.sync();
  await log.append(frames.slice(1));
  await log.discardUnsynced();
  await log.append([Buffer.from("again")]);
  await log.close();
  const opened = await FrameLog.open(path);
  assert.deepEqual(opened.frames.map(String), ["one", "again"]);
  await opened.log.close();
});
