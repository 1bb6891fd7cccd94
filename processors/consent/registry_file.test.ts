import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { TestContext } from "node:test";
import { test } from "node:test";
import fc from "fast-check";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { configSchema } from "./config.ts";
import { csvRows } from "./csv.ts";
import { holds, type Registry } from "./registry.ts";
import { readRegistry } from "./registry_file.ts";

const configOf = (path: string, more: object = {}) =>
  configSchema.parse({
    purposes: ["ads"],
    subject_attribute: "user.id",
    registry: { path, ...more },
  }).registry!;

async function read(t: TestContext, name: string, text: string, more = {}): Promise<Registry> {
  const path = join(await temporaryDirectory(t), name);
  await writeFile(path, text);
  return readRegistry(configOf(path, more));
}

const ms = (text: string): number => Date.parse(text);
const listed = (registry: Registry) => [...registry.list(["ads", "research"])];

const EXPECTED = [
  [
    "u1",
    "ads",
    [{ granted: true, fromMs: ms("2026-01-01T00:00:00Z"), untilMs: ms("2026-07-01T12:00:00Z") }],
  ],
  ["u,2", "ads", [{ granted: false, fromMs: -Infinity, untilMs: Infinity }]],
  ["u,2", "research", [{ granted: true, fromMs: -Infinity, untilMs: Infinity }]],
];

test("reads the same consents from CSV, JSON, JSON lines, YAML and SQLite", async (t) => {
  const csv =
    "subject,purpose,granted,from,until\r\n" +
    "u1,ads,,2026-01-01,2026-07-01T14:00:00+02:00\r\n" +
    '"u,2",ads,false,,\r\n"u,2",research,yes,,\r\n';
  assert.deepEqual(listed(await read(t, "a.csv", csv)), EXPECTED);
  const entries = [
    { subject: "u1", purpose: "ads", from: "2026-01-01", until: "2026-07-01T12:00:00Z" },
    { subject: "u,2", purpose: "ads", granted: false },
    { subject: "u,2", purpose: "research", granted: true },
  ];
  assert.deepEqual(listed(await read(t, "a.json", JSON.stringify(entries))), EXPECTED);
  const lines = entries.map((entry) => JSON.stringify(entry)).join("\n");
  assert.deepEqual(listed(await read(t, "a.jsonl", lines)), EXPECTED);
  const yaml =
    "- { subject: u1, purpose: ads, from: 2026-01-01, until: 2026-07-01T12:00:00Z }\n" +
    '- { subject: "u,2", purpose: ads, granted: false }\n' +
    '- { subject: "u,2", purpose: research }\n';
  assert.deepEqual(listed(await read(t, "a.yaml", yaml)), EXPECTED);
  const path = join(await temporaryDirectory(t), "a.db");
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE people (id INTEGER PRIMARY KEY, subject TEXT, purpose TEXT, granted INTEGER,
      "from" TEXT, "until" TEXT);
    INSERT INTO people VALUES (1, 'u1', 'ads', 1, '2026-01-01', '2026-07-01T12:00:00Z'),
      (2, 'u,2', 'ads', 0, NULL, NULL), (3, 'u,2', 'research', 1, NULL, NULL);
  `);
  database.close();
  assert.deepEqual(listed(await readRegistry(configOf(path, { table: "people" }))), EXPECTED);
});

test("refuses what it does not understand, with the place and without the content", async (t) => {
  const faults: [string, string, RegExp][] = [
    ["a.csv", "subject,purpose,untill\nanna,ads,2026-01-01\n", /^line 2 has an unknown field/],
    ["a.csv", "subject,purpose\nanna\n", /^line 2 has 1 fields, not 2$/],
    ["a.csv", 'subject,purpose\n"anna,ads\n', /^line 2 has a stray quotation mark$/],
    ["a.csv", "subject,purpose\n,ads\n", /^line 2 has no subject$/],
    ["a.csv", "subject,purpose,until\nanna,ads,soon\n", /^line 2: until is no time/],
    ["a.csv", "subject,purpose,until\nanna,ads,2026-13-01\n", /^line 2: until is no time/],
    ["a.csv", "subject,purpose,granted\nanna,ads,maybe\n", /^line 2: granted is neither/],
    [
      "a.csv",
      "subject,purpose,from,until\nanna,ads,2026-02-01,2026-01-01\n",
      /^line 2: until is not later than from$/,
    ],
    ["a.json", "[anna]", /^is no JSON$/],
    ["a.jsonl", '{"subject":"anna","purpose":"ads"}\nanna', /^line 2 is no JSON$/],
    ["a.json", '["anna"]', /^entry 1 is no map of fields$/],
    ["a.yaml", "anna: [", /^is no YAML$/],
    ["a.yaml", "anna: 1", /^is no list of entries$/],
    ["a.db", "anna is no database", /^is no SQLite file/],
  ];
  for (const [name, text, expected] of faults) {
    await assert.rejects(read(t, name, text), (error: Error) => {
      assert.match(error.message, expected);
      assert.doesNotMatch(error.message, /anna/);
      return true;
    });
  }
});

test("refuses a file with too many bytes or entries, and one that is no UTF-8", async (t) => {
  const csv = "subject,purpose\nu1,ads\nu2,ads\n";
  await assert.rejects(read(t, "a.csv", csv, { max_entries: 1 }), /more entries than max_entries/);
  await assert.rejects(read(t, "a.csv", csv, { max_size: "10" }), /more than max_size/);
  const path = join(await temporaryDirectory(t), "b.csv");
  await writeFile(path, Buffer.from([0x73, 0xff, 0x0a]));
  await assert.rejects(readRegistry(configOf(path)), /^Error: is no UTF-8$/);
});

test("reads back every table of texts that is written as CSV", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "é", "=") });
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 6 }), (table) => {
      const lines = [["one", "two"], ...table].map((row) => row.map(quoted).join(","));
      const rows = [...csvRows(lines.join("\n"))].map(([, row]) => [row.one, row.two]);
      const trimmed = table.map((row) => row.map((text) => text.trim()));
      assert.deepEqual(rows, trimmed);
    }),
  );
});

test("a refusal wins over every consent that holds at the same time", () => {
  const time = fc.integer({ min: 0, max: 20 });
  const entry = fc.record({ granted: fc.boolean(), fromMs: time, untilMs: time });
  fc.assert(
    fc.property(fc.array(entry), time, (entries, atMs) => {
      const inForce = entries.filter(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
      const expected = inForce.length > 0 && inForce.every(({ granted }) => granted);
      assert.equal(holds(entries, atMs), expected);
    }),
  );
});
