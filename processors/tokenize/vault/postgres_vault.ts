/**
 * The vault in a PostgreSQL database, for several hosts with one vault.
 *
 * Invariant: what `put` wrote is committed when it resolves. Writers and an erasure exclude each
 * other: a write sees the erasures that were committed before it, and is refused when it knew less.
 *
 * Trust: the database's administrator learns how many values there are, of which entities and when,
 * opens none, and can lose rows or offer rows that do not open. Its write-ahead log and backups keep
 * sealed rows after an erasure for as long as they are kept.
 */
import type { Row, RowList, Sql, TransactionSql } from "postgres";
import postgres from "postgres";
import { AgentError } from "../../../src/component/errors.ts";
import type { Clock } from "../../../src/component/settings.ts";
import type { Secret } from "../../../src/lib/secret.ts";
import type {
  FoundRow,
  PutResult,
  RowCounts,
  RowKind,
  Vault,
  VaultOpening,
  VaultRow,
  VaultState,
} from "./vault.ts";
import { SCHEMA_VERSION } from "./vault.ts";

const CONNECTIONS_MAX = 2;
/** Of the advisory lock under which the tables are made: any number that others do not use. */
const SCHEMA_LOCK = 7_366_219_480_211;

const SCHEMA = `
CREATE TABLE vouchsafe_vault (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), schema_version integer NOT NULL,
  id text NOT NULL, index_key_name text NOT NULL, erasures bigint NOT NULL
);
CREATE TABLE vouchsafe_entries (
  row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, domain text NOT NULL,
  entity text NOT NULL, key_id text NOT NULL, token text NOT NULL, unique_index bytea UNIQUE,
  sealed bytea NOT NULL, created_ms bigint NOT NULL, expires_ms bigint NOT NULL,
  UNIQUE (token, domain, entity, key_id)
);
CREATE INDEX vouchsafe_entries_by_end ON vouchsafe_entries (expires_ms);
CREATE TABLE vouchsafe_owners (
  owner bytea NOT NULL, row bigint NOT NULL REFERENCES vouchsafe_entries ON DELETE CASCADE,
  PRIMARY KEY (owner, row)
);
CREATE INDEX vouchsafe_owners_by_row ON vouchsafe_owners (row);
`;

export class PostgresVault implements Vault {
  readonly #url: Secret<string>;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  #sql: Sql | undefined;

  constructor(url: Secret<string>, timeoutMs: number, clock: Clock) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  open({ made }: VaultOpening): Promise<VaultState | undefined> {
    return this.#transaction(async (sql) => {
      await sql`SELECT pg_advisory_xact_lock(${SCHEMA_LOCK})`;
      const [table] = await sql`SELECT to_regclass('vouchsafe_vault') IS NOT NULL AS there`;
      if (table!.there !== true) {
        if (made === undefined) return undefined;
        await sql.unsafe(SCHEMA);
      }
      const [row] = await sql`SELECT schema_version, id, index_key_name, erasures
        FROM vouchsafe_vault`;
      if (row === undefined) {
        if (made === undefined) return undefined;
        await sql`INSERT INTO vouchsafe_vault (schema_version, id, index_key_name, erasures)
          VALUES (${SCHEMA_VERSION}, ${made.id}, ${made.indexKeyName}, 0)`;
        return { ...made, erasures: 0 };
      }
      if (row.schema_version !== SCHEMA_VERSION) {
        const message = `the database holds no vault of this version (${row.schema_version})`;
        throw new AgentError("vault.foreign", message);
      }
      return {
        id: row.id as string,
        indexKeyName: row.index_key_name as string,
        erasures: Number(row.erasures),
      };
    });
  }

  put(rows: readonly VaultRow[], erasures: number): Promise<PutResult> {
    return this.#transaction(async (sql) => {
      const [state] = await sql`SELECT erasures FROM vouchsafe_vault FOR SHARE`;
      const now = Number(state?.erasures ?? Number.NaN);
      if (Number.isNaN(now)) throw new AgentError("vault.lost", "the vault's tables are empty");
      if (now !== erasures) return { kind: "missed_erasure", erasures: now } as const;
      const tokens = new Array<string>(rows.length);
      // One order for all writers, so that none waits for another that waits for it.
      const order = [...rows.keys()].sort((a, b) =>
        orderOf(rows[a]!) < orderOf(rows[b]!) ? -1 : 1,
      );
      await Promise.all(
        order.map(async (index) => {
          tokens[index] = await putRow(sql, rows[index]!);
        }),
      );
      return { kind: "kept", tokens } as const;
    });
  }

  async find(token: string, nowMs: number): Promise<readonly FoundRow[]> {
    const rows = await this.#run(
      (sql) => sql`SELECT kind, domain, entity, key_id, token, sealed, created_ms, expires_ms
        FROM vouchsafe_entries WHERE token = ${token} AND expires_ms > ${nowMs}
        ORDER BY domain, entity`,
    );
    return rows.map((row) => ({
      kind: row.kind as RowKind,
      domain: row.domain as string,
      entity: row.entity as string,
      keyId: row.key_id as string,
      token: row.token as string,
      sealed: row.sealed as Uint8Array,
      createdMs: Number(row.created_ms),
      expiresMs: Number(row.expires_ms),
    }));
  }

  async erasures(): Promise<number> {
    const [row] = await this.#run((sql) => sql`SELECT erasures FROM vouchsafe_vault`);
    return Number(row!.erasures);
  }

  async count(owners: readonly Uint8Array[]): Promise<RowCounts> {
    return countsOf(
      await this.#run(
        (sql) => sql`SELECT kind, count(*) AS count FROM vouchsafe_entries WHERE row IN
          (SELECT row FROM vouchsafe_owners WHERE owner IN (${among(sql, owners)}))
          GROUP BY kind`,
      ),
    );
  }

  async erase(owners: readonly Uint8Array[]): Promise<RowCounts> {
    const counts = await this.#transaction(async (sql) => {
      await sql`UPDATE vouchsafe_vault SET erasures = erasures + 1`;
      return countsOf(
        await sql`WITH erased AS (
            DELETE FROM vouchsafe_entries WHERE row IN
              (SELECT row FROM vouchsafe_owners WHERE owner IN (${among(sql, owners)}))
            RETURNING kind)
          SELECT kind, count(*) AS count FROM erased GROUP BY kind`,
      );
    });
    await this.#run((sql) => sql`VACUUM vouchsafe_entries, vouchsafe_owners`);
    return counts;
  }

  async purge(nowMs: number, limit: number): Promise<number> {
    const removed = await this.#run(
      (sql) => sql`DELETE FROM vouchsafe_entries WHERE row IN
        (SELECT row FROM vouchsafe_entries WHERE expires_ms <= ${nowMs}
          ORDER BY expires_ms LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
    );
    return removed.count;
  }

  async close(): Promise<void> {
    await this.#sql?.end({ timeout: 0 });
    this.#sql = undefined;
  }

  #transaction<Result>(work: (sql: TransactionSql) => Promise<Result>): Promise<Result> {
    return this.#run(async (sql) => (await sql.begin(work)) as Result);
  }

  /**
   * A connection that gives no answer in time is given up with all that runs on it; what it may
   * have committed is the same when it is written again.
   */
  async #run<Result>(work: (sql: Sql) => Promise<Result> | PromiseLike<Result>): Promise<Result> {
    this.#sql ??= postgres(this.#url.reveal(), {
      max: CONNECTIONS_MAX,
      connect_timeout: Math.ceil(this.#timeoutMs / 1000),
      fetch_types: false,
      onnotice: () => {},
      connection: { application_name: "vouchsafe", statement_timeout: this.#timeoutMs },
    });
    const sql = this.#sql;
    const late = Promise.withResolvers<never>();
    const cancel = this.#clock.setTimer(this.#timeoutMs, () =>
      late.reject(unavailable("no answer")),
    );
    try {
      return await Promise.race([work(sql), late.promise]);
    } catch (error) {
      if (this.#sql === sql) this.#sql = undefined;
      sql.end({ timeout: 0 }).catch(() => {});
      throw error instanceof AgentError ? error : unavailable(codeOf(error));
    } finally {
      cancel();
    }
  }
}

async function putRow(sql: TransactionSql, row: VaultRow): Promise<string> {
  const { kind, domain, entity, keyId, token, sealed, createdMs, expiresMs } = row;
  const uniqueIndex = row.uniqueIndex === undefined ? null : Buffer.from(row.uniqueIndex);
  const values = sql`(kind, domain, entity, key_id, token, unique_index, sealed, created_ms,
      expires_ms)
    VALUES (${kind}, ${domain}, ${entity}, ${keyId}, ${token}, ${uniqueIndex},
      ${Buffer.from(sealed)}, ${createdMs}, ${expiresMs})`;
  const lengthen = sql`DO UPDATE SET
    expires_ms = greatest(vouchsafe_entries.expires_ms, excluded.expires_ms)
    RETURNING row, token`;
  const [kept] =
    uniqueIndex === null
      ? await sql`INSERT INTO vouchsafe_entries ${values}
          ON CONFLICT (token, domain, entity, key_id) ${lengthen}`
      : await sql`INSERT INTO vouchsafe_entries ${values}
          ON CONFLICT (unique_index) ${lengthen}`;
  await Promise.all(
    row.owners.map(
      (owner) => sql`INSERT INTO vouchsafe_owners VALUES (${Buffer.from(owner)}, ${kept!.row})
        ON CONFLICT DO NOTHING`,
    ),
  );
  return kept!.token as string;
}

function orderOf({ uniqueIndex, token }: VaultRow): string {
  return uniqueIndex === undefined ? token : Buffer.from(uniqueIndex).toString("hex");
}

/** The owners as rows; the driver has no list of `bytea`. */
function among(sql: Sql | TransactionSql, owners: readonly Uint8Array[]) {
  const list = owners.map((owner) => Buffer.from(owner).toString("hex")).join(",");
  return sql`SELECT decode(hex, 'hex') FROM unnest(string_to_array(${list}, ',')) AS hex`;
}

function countsOf(rows: RowList<Row[]>): RowCounts {
  const counts = { value: 0, key: 0 };
  for (const { kind, count } of rows) counts[kind as RowKind] = Number(count);
  return counts;
}

function unavailable(why: string): AgentError {
  return new AgentError("vault.unavailable", `the database of the vault cannot be used (${why})`);
}

/** The code only: PostgreSQL's messages quote values. */
function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "no code";
}
