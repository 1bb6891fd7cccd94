import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { AgentError } from "../component/errors.ts";
import { temporaryDirectory } from "../testing/test_settings.ts";
import { acquireLock } from "./lock_file.ts";

const MODULE = new URL("./lock_file.ts", import.meta.url).href;

function lockedBy(pid: number | undefined) {
  return (error: unknown) =>
    error instanceof AgentError &&
    error.code === "storage.locked" &&
    error.message.includes(`process ${pid};`);
}

/** A process that tries to take the lock, says `held` or the error's code, and then stays. */
function startRival(path: string) {
  const script = `
    import { acquireLock } from ${JSON.stringify(MODULE)};
    const stay = setInterval(() => {}, 1000);
    process.on("disconnect", () => clearInterval(stay));
    console.log(await acquireLock(${JSON.stringify(path)}).then(() => "held", (e) => e.code));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const answer = once(createInterface(child.stdout!), "line").then(([line]) => String(line));
  return { child, answer };
}

test("refuses a second holder in this process and names it", async (t) => {
  const path = join(await temporaryDirectory(t), "lock");
  const lock = await acquireLock(path);
  await assert.rejects(acquireLock(path), lockedBy(process.pid));
  await assert.rejects(acquireLock(path), lockedBy(process.pid));
  await lock.release();
  await lock.release();
  await (await acquireLock(path)).release();
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("refuses while another process holds it, and takes over at once after kill -9", async (t) => {
  const path = join(await temporaryDirectory(t), "lock");
  const { child, answer } = startRival(path);
  assert.equal(await answer, "held");
  await assert.rejects(acquireLock(path), lockedBy(child.pid));
  child.kill("SIGKILL");
  await once(child, "exit");
  await (await acquireLock(path)).release();
});

test("gives one holder when several processes start at once", async (t) => {
  const path = join(await temporaryDirectory(t), "lock");
  const rivals = [startRival(path), startRival(path), startRival(path)];
  const answers = await Promise.all(rivals.map((rival) => rival.answer));
  assert.deepEqual(answers.sort(), ["held", "storage.locked", "storage.locked"]);
  for (const { child } of rivals) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

test("says that a folder it cannot write to is unwritable", async (t) => {
  const path = join(await temporaryDirectory(t), "absent", "lock");
  await assert.rejects(
    acquireLock(path),
    (error) => error instanceof AgentError && error.code === "storage.unwritable",
  );
});
