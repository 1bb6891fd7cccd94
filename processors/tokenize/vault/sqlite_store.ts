/**
 * The vault in one SQLite file, seen from the thread that owns it.
 *
 * Invariant: what `put` wrote is on disk when it returns (`synchronous = FULL`), and what `erase`
 * removed is in no page of the file and in no write-ahead log: deleted content is overwritten, the
 * log is emptied, and the file is written anew.
 *
 * Trust: the file is for its owner alone (0600), and so are the two files beside it that SQLite
 * makes, which take its mode. Who reads it learns how many values there are, of which entities and
 * when, and opens none. Who writes it can lose rows, or offer rows that do not open.
 */
import { closeSync, existsSync, openSync, statSync } from "node:fs";
import type { StatementSync } from "node:sqlite";
import { DatabaseSync } from "node:sqlite";
import { AgentError } from "../../../src/component/errors.ts";
import type {
  FoundRow,
  PutResult,
  RowCounts,
  RowKind,
  VaultOpening,
  VaultRow,
  VaultState,
} from "./vault.ts";
import { SCHEMA_VERSION } from "./vault.ts";

/** How long another process on the same file is waited for. */
const BUSY_TIMEOUT_MS = 10_000;

const SCHEMA = `
CREATE TABLE vault (
  one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, index_key_name TEXT NOT NULL,
  erasures INTEGER NOT NULL
) STRICT;
CREATE TABLE entries (
  row INTEGER PRIMARY KEY, kind TEXT NOT NULL, domain TEXT NOT NULL, entity TEXT NOT NULL,
  key_id TEXT NOT NULL, token TEXT NOT NULL, unique_index BLOB UNIQUE, sealed BLOB NOT NULL,
  created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  UNIQUE (token, domain, entity, key_id)
) STRICT;
CREATE INDEX entries_by_end ON entries (expires_ms);
CREATE TABLE owners (
  owner BLOB NOT NULL, row INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE,
  PRIMARY KEY (owner, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX owners_by_row ON owners (row);
PRAGMA user_version = ${SCHEMA_VERSION};
`;

const INSERT = `INSERT INTO entries
  (kind, domain, entity, key_id, token, unique_index, sealed, created_ms, expires_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const LENGTHEN = "DO UPDATE SET expires_ms = max(expires_ms, excluded.expires_ms)";

interface Statements {
  readonly state: StatementSync;
  readonly put: StatementSync;
  readonly issue: StatementSync;
  readonly own: StatementSync;
}

export class SqliteStore {
  readonly #path: string;
  #database: DatabaseSync | undefined;
  #statements: Statements | undefined;
  #inode = 0n;
  #id: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws `vault.foreign` for a file of another kind or version, and what SQLite throws. */
  open({ made }: VaultOpening): VaultState | undefined {
    this.close();
    if (!existsSync(this.#path)) {
      if (made === undefined) return undefined;
      closeSync(openSync(this.#path, "a", 0o600));
    }
    const { mode, ino } = statSync(this.#path, { bigint: true });
    if ((mode & 0o077n) !== 0n) {
      const message = `others can read ${this.#path}; run: chmod 600 ${this.#path}`;
      throw new AgentError("storage.insecure", message);
    }
    this.#inode = ino;
    this.#database = new DatabaseSync(this.#path, { timeout: BUSY_TIMEOUT_MS });
    this.#database.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;" +
        "PRAGMA foreign_keys = ON",
    );
    const state = this.#transaction((database) => this.#begin(database, made));
    this.#id = state?.id;
    return state;
  }

  #begin(database: DatabaseSync, made: VaultOpening["made"]): VaultState | undefined {
    const version = Number(database.prepare("PRAGMA user_version").get()!.user_version);
    if (version !== SCHEMA_VERSION) {
      const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()!;
      if (version !== 0 || tables.count !== 0) {
        const message = `${this.#path} is no vault of this version (${version})`;
        throw new AgentError("vault.foreign", message);
      }
      if (made === undefined) return undefined;
      database.exec(SCHEMA);
      const insert = database.prepare("INSERT INTO vault VALUES (1, ?, ?, 0)");
      insert.run(made.id, made.indexKeyName);
    }
    this.#statements = {
      state: database.prepare("SELECT id, index_key_name, erasures FROM vault"),
      put: database.prepare(
        `${INSERT} ON CONFLICT (token, domain, entity, key_id) ${LENGTHEN} RETURNING row, token`,
      ),
      issue: database.prepare(
        `${INSERT} ON CONFLICT (unique_index) ${LENGTHEN} RETURNING row, token`,
      ),
      own: database.prepare("INSERT OR IGNORE INTO owners VALUES (?, ?)"),
    };
    return this.#state();
  }

  put(rows: readonly VaultRow[], erasures: number): PutResult {
    return this.#transaction(() => {
      const now = this.#state().erasures;
      if (now !== erasures) return { kind: "missed_erasure", erasures: now };
      const { put, issue, own } = this.#statements!;
      const tokens = rows.map((row) => {
        const statement = row.uniqueIndex === undefined ? put : issue;
        const kept = statement.get(
          ...[row.kind, row.domain, row.entity, row.keyId, row.token],
          ...[row.uniqueIndex ?? null, row.sealed, row.createdMs, row.expiresMs],
        )!;
        for (const owner of row.owners) own.run(owner, kept.row as number);
        return kept.token as string;
      });
      return { kind: "kept", tokens };
    });
  }

  find(token: string, nowMs: number): FoundRow[] {
    const rows = this.#open()
      .prepare(
        `SELECT kind, domain, entity, key_id, token, sealed, created_ms, expires_ms FROM entries
          WHERE token = ? AND expires_ms > ? ORDER BY domain, entity`,
      )
      .all(token, nowMs);
    return rows.map((row) => ({
      kind: row.kind as RowKind,
      domain: row.domain as string,
      entity: row.entity as string,
      keyId: row.key_id as string,
      token: row.token as string,
      sealed: row.sealed as Uint8Array,
      createdMs: row.created_ms as number,
      expiresMs: row.expires_ms as number,
    }));
  }

  erasures(): number {
    this.#open();
    return this.#state().erasures;
  }

  count(owners: readonly Uint8Array[]): RowCounts {
    return this.#countOf(this.#rowsOf(owners));
  }

  erase(owners: readonly Uint8Array[]): RowCounts {
    const counts = this.#transaction((database) => {
      const rows = this.#rowsOf(owners);
      const erased = this.#countOf(rows);
      const remove = database.prepare("DELETE FROM entries WHERE row = ?");
      for (const row of rows.keys()) remove.run(row);
      database.exec("UPDATE vault SET erasures = erasures + 1");
      return erased;
    });
    const database = this.#open();
    database.exec("VACUUM");
    const { busy } = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()!;
    if (busy !== 0) {
      const message = `the rows are removed, but ${this.#path}-wal is in use and still holds them`;
      throw new AgentError("vault.unavailable", message);
    }
    return counts;
  }

  purge(nowMs: number, limit: number): number {
    const { changes } = this.#open()
      .prepare(
        `DELETE FROM entries WHERE row IN
          (SELECT row FROM entries WHERE expires_ms <= ? ORDER BY expires_ms LIMIT ?)`,
      )
      .run(nowMs, limit);
    return Number(changes);
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
    this.#statements = undefined;
  }

  #state(): VaultState {
    const { id, index_key_name: indexKeyName, erasures } = this.#statements!.state.get()!;
    return { id, indexKeyName, erasures } as unknown as VaultState;
  }

  #rowsOf(owners: readonly Uint8Array[]): Map<number, RowKind> {
    const select = this.#open().prepare(
      "SELECT row, kind FROM owners JOIN entries USING (row) WHERE owner = ?",
    );
    const rows = owners.flatMap((owner) => select.all(owner));
    return new Map(rows.map(({ row, kind }) => [row as number, kind as RowKind]));
  }

  #countOf(rows: ReadonlyMap<number, RowKind>): RowCounts {
    const counts = { value: 0, key: 0 };
    for (const kind of rows.values()) counts[kind]++;
    return counts;
  }

  /**
   * SQLite goes on with a file that was removed or replaced, and what it wrote there would be lost.
   * A file that was put back is opened again, but never made again.
   */
  #open(): DatabaseSync {
    const inode = statSync(this.#path, { bigint: true, throwIfNoEntry: false })?.ino;
    if (this.#database !== undefined && inode === this.#inode) return this.#database;
    const id = this.#id;
    const again =
      inode === undefined || id === undefined ? undefined : this.open({ made: undefined });
    if (again !== undefined && again.id === id) return this.#database!;
    this.close();
    this.#id = id;
    throw new AgentError("vault.unavailable", `the vault ${this.#path} is gone`);
  }

  #transaction<Result>(work: (database: DatabaseSync) => Result): Result {
    const database = this.#open();
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work(database);
      database.exec("COMMIT");
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
}
