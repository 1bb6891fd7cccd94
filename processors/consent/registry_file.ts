/**
 * Reads a registry file as a whole: CSV with a header, JSON (a list, or an object a line), a YAML
 * list, or a table in SQLite.
 *
 * Invariant: gives the whole registry or throws {@link RegistryFault}; there is no half of one.
 */
import { readFile, stat } from "node:fs/promises";
import type { RegistryConfig } from "./config.ts";
import { formatOf } from "./config.ts";
import { csvRows } from "./csv.ts";
import { RegistryFault, readLine } from "./entry_fields.ts";
import { Registry } from "./registry.ts";

type Row = readonly [place: string, fields: Readonly<Record<string, unknown>>];

/** Changes whenever the file does; throws the error of the file system when there is none. */
export async function versionOf(config: RegistryConfig): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(config.path, { bigint: true });
  const version = `${dev} ${ino} ${size} ${mtimeNs}`;
  if (formatOf(config) !== "sqlite") return version;
  // What was committed last may still be in the write-ahead log.
  const log = await stat(`${config.path}-wal`, { bigint: true }).catch(() => undefined);
  return log === undefined ? version : `${version} ${log.size} ${log.mtimeNs}`;
}

export async function readRegistry(config: RegistryConfig): Promise<Registry> {
  const { size } = await stat(config.path);
  if (size > config.max_size) throw new RegistryFault(`has ${size} bytes, more than max_size`);
  const registry = new Registry();
  for (const [place, fields] of await rowsOf(config)) {
    const { subject, purpose, entry } = readLine(fields, place);
    if (registry.size >= config.max_entries) {
      throw new RegistryFault("has more entries than max_entries");
    }
    registry.add(subject, purpose, entry);
  }
  return registry;
}

async function rowsOf(config: RegistryConfig): Promise<Iterable<Row>> {
  const format = formatOf(config);
  if (format === "sqlite") {
    const { sqliteRows } = await import("./sqlite.ts");
    return sqliteRows(config);
  }
  const text = utf8Of(await readFile(config.path));
  if (format === "csv") return lineRows(csvRows(text));
  if (format === "json") return text.trimStart().startsWith("[") ? jsonList(text) : jsonLines(text);
  const { parse } = await import("yaml");
  return listRows(orFault("is no YAML", () => parse(text) as unknown));
}

function utf8Of(bytes: Uint8Array): string {
  return orFault("is no UTF-8", () => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

function* lineRows(lines: Iterable<[number, Record<string, unknown>]>): Generator<Row> {
  for (const [line, fields] of lines) yield [`line ${line}`, fields];
}

function jsonList(text: string): Iterable<Row> {
  return listRows(orFault("is no JSON", () => JSON.parse(text) as unknown));
}

function* jsonLines(text: string): Generator<Row> {
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const place = `line ${index + 1}`;
    const value = orFault(`${place} is no JSON`, () => JSON.parse(line) as unknown);
    yield [place, fieldsOf(value, place)];
  }
}

function* listRows(value: unknown): Generator<Row> {
  if (value === null || value === undefined) return;
  if (!Array.isArray(value)) throw new RegistryFault("is no list of entries");
  for (const [index, item] of value.entries()) {
    const place = `entry ${index + 1}`;
    yield [place, fieldsOf(item, place)];
  }
}

function fieldsOf(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new RegistryFault(`${place} is no map of fields`);
}

/** Errors of parsers quote what they parse, so they are not passed on. */
function orFault<Value>(message: string, parse: () => Value): Value {
  try {
    return parse();
  } catch {
    throw new RegistryFault(message);
  }
}
