/** The rows of a registry table in SQLite. Columns beyond those of an entry are not looked at. */
import { DatabaseSync } from "node:sqlite";
import type { RegistryConfig } from "./config.ts";
import { FIELDS, RegistryFault } from "./entry_fields.ts";

export function* sqliteRows(
  config: Pick<RegistryConfig, "path" | "table">,
): Generator<[string, Record<string, unknown>]> {
  const database = openReadOnly(config.path);
  try {
    const known = columnsOf(database, config.table);
    const columns = FIELDS.filter((field) => known.has(field));
    if (columns.length === 0) throw new RegistryFault(`has no table ${config.table} with entries`);
    const list = columns.map((name) => `"${name}"`).join(", ");
    let row = 0;
    for (const fields of database.prepare(`SELECT ${list} FROM "${config.table}"`).iterate()) {
      yield [`row ${++row}`, fields as Record<string, unknown>];
    }
  } catch (error) {
    if (error instanceof RegistryFault) throw error;
    throw new RegistryFault("is no SQLite file that can be read");
  } finally {
    database.close();
  }
}

function openReadOnly(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly: true });
  } catch {
    throw new RegistryFault("is no SQLite file that can be read");
  }
}

function columnsOf(database: DatabaseSync, table: string): Set<string> {
  const rows = database.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  return new Set(rows.map(({ name }) => String(name)));
}
