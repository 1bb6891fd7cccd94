import assert from "node:assert/strict";
import { test } from "node:test";
import { CollectedMetrics } from "../../src/testing/collected_metrics.ts";
import { createInstruments } from "./instruments.ts";

test("the lag is shown of the 20 files most behind, until they caught up", async () => {
  const metrics = new CollectedMetrics();
  let files = Array.from({ length: 3000 }, (_, lagBytes) => ({ path: `/${lagBytes}`, lagBytes }));
  const none = (): number => 0;
  createInstruments(metrics, {
    openFiles: none,
    readingFiles: none,
    lagBytes: none,
    lagOfFiles: () => files,
    inFlightBytes: none,
  });
  const read = () => metrics.read("vouchsafe_file_log_file_lag_bytes");
  const first = await read();
  assert.equal(Object.keys(first).length, 20);
  assert.equal(first["path=/2999"], 2999);
  files = [{ path: "/b", lagBytes: 7 }];
  assert.deepEqual(await read(), { "path=/b": 7 });
});
