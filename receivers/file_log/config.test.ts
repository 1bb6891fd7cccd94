import assert from "node:assert/strict";
import { test } from "node:test";
import { configSchema } from "./config.ts";

test("has the Collector's defaults", () => {
  const config = configSchema.parse({ include: ["/a"] });
  assert.deepEqual(config, {
    ...{ include: ["/a"], exclude: [], start_at: "end", force_flush_period: 500 },
    ...{ encoding: "utf-8", preserve_leading_whitespaces: false },
    ...{ preserve_trailing_whitespaces: false, include_file_name: true, include_file_path: false },
    ...{ include_file_name_resolved: false, include_file_path_resolved: false },
    ...{ include_file_record_number: false, include_file_record_offset: false },
    ...{ include_file_owner_name: false, include_file_owner_group_name: false },
    ...{ include_file_permissions: false, delete_after_read: false },
    ...{ poll_interval: 200, fingerprint_size: 1000, max_log_size: 1048576 },
    ...{ max_log_size_behavior: "split", max_concurrent_files: 1024, compression: "" },
    ...{ max_in_flight_bytes: 4194304, on_truncate: "ignore", attributes: {}, resource: {} },
    ...{
      operators: [],
      retry_on_failure: {
        enabled: true,
        max_elapsed_time: 0,
        initial_interval: 1000,
        max_interval: 30000,
      },
    },
  });
});

for (const [what, options] of [
  ["no include", {}],
  ["an empty include", { include: [] }],
  ["a key that is not built", { include: ["/a"], delete_after_read: true }],
  [
    "two multiline patterns",
    { include: ["/a"], multiline: { line_start_pattern: "a", line_end_pattern: "b" } },
  ],
  ["a malformed pattern", { include: ["/a"], multiline: { line_start_pattern: "(" } }],
  ["a short fingerprint", { include: ["/a"], fingerprint_size: 15 }],
  ["a glob without its end", { include: ["/a/[b"] }],
  ["an unknown operator", { include: ["/a"], operators: [{ type: "teleport" }] }],
  ["an unknown field", { include: ["/a"], operators: [{ type: "json_parser", parse_from: "a[" }] }],
] as const) {
  test(`refuses ${what}`, () => {
    assert.equal(configSchema.safeParse(options).success, false);
  });
}
