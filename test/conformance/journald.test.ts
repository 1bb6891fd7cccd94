/** The `journald` receiver on a journal that systemd wrote, read by the real journalctl. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configSchema } from "../../receivers/journald/config.ts";
import { JournaldReceiver } from "../../receivers/journald/journald.ts";
import { CollectingConsumer } from "../../src/testing/collecting_consumer.ts";
import { temporaryDirectory, testSettings } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { skipWithout } from "../support/tools.ts";

/** It has no place on the path; the package has it in one of these. */
const REMOTE = ["/usr/lib/systemd", "/lib/systemd"]
  .map((folder) => join(folder, "systemd-journal-remote"))
  .find((path) => existsSync(path));
const skip = skipWithout("journalctl", REMOTE ?? "systemd-journal-remote");

const BOOT = "1b2c3d4e5f60718293a4b5c6d7e8f901";

/** An entry as another journald exports it. */
function exported(number: number, message: Buffer): Buffer {
  const time = 1_732_774_500_000_000 + number * 1000;
  const monotonic = `__MONOTONIC_TIMESTAMP=${number}\n_BOOT_ID=${BOOT}\n`;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(message.length));
  return Buffer.concat([
    Buffer.from(`__REALTIME_TIMESTAMP=${time}\n${monotonic}`),
    Buffer.from(`PRIORITY=${number % 8}\nSYSLOG_IDENTIFIER=app${number % 2}\nMESSAGE\n`),
    ...[length, message, Buffer.from("\n\n")],
  ]);
}

test("a journal of systemd is read whole, binary messages included, and gone on with", {
  skip,
}, async (context) => {
  const directory = await temporaryDirectory(context);
  const journal = join(directory, "all.journal");
  const messages = Array.from({ length: 300 }, (_, index) =>
    Buffer.from(index % 3 === 0 ? `line ${index}\nand another` : `line ${index} \xff`, "latin1"),
  );
  const write = (from: number, to: number): void => {
    const input = Buffer.concat(
      messages.slice(from, to).map((message, index) => exported(from + index, message)),
    );
    execFileSync(REMOTE!, ["-o", journal, "-"], { input, stdio: ["pipe", "pipe", "pipe"] });
  };
  const read = async (count: number, identifiers: string[] = []): Promise<Buffer[]> => {
    const base = { kind: "receiver", type: "journald", root: directory } as const;
    const settings = await testSettings(context, base);
    const sink = new CollectingConsumer();
    const config = { start_at: "beginning", files: [journal], priority: "debug", identifiers };
    const receiver = new JournaldReceiver(configSchema.parse(config), settings, sink);
    await receiver.start();
    context.after(() => receiver.shutdown(AbortSignal.abort()));
    await waitUntil(`${count} entries`, () => sink.records.length >= count);
    await receiver.shutdown(AbortSignal.timeout(20_000));
    assert.equal(new Set(sink.batches.map(({ source }) => source!.id)).size, 1);
    return sink.records.map(({ body }) => {
      const message = (body as Record<string, unknown>).MESSAGE as string | Uint8Array;
      return Buffer.from(message as string);
    });
  };
  write(0, 200);
  assert.deepEqual(await read(200), messages.slice(0, 200));
  write(200, 300);
  const odd = messages.slice(200).filter((_, index) => index % 2 === 1);
  assert.deepEqual(await read(50, ["app1"]), odd);
});
