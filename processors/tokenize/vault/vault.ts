/**
 * What a vault is: rows that turn a token back into its value, sealed to those who may reveal it.
 *
 * Invariant: nobody can read a value with the vault alone, neither its administrator nor the agent
 * that wrote it. A row that was erased does not come back: whoever writes tells how many erasures
 * it knows of, and a write by one that has missed an erasure is refused.
 */

/** `value`: the sealed value of a token. `key`: a sealed field key; the token is its id. */
export type RowKind = "value" | "key";

export interface VaultRow {
  readonly kind: RowKind;
  readonly domain: string;
  readonly entity: string;
  /** The key that made the token, `random` for one that the vault issues, `field` for a key. */
  readonly keyId: string;
  /** The text that stands in records, or the id of a field key. */
  readonly token: string;
  /** Of a random token: the index of its value, which has one token only. 32 bytes. */
  readonly uniqueIndex: Uint8Array | undefined;
  /** The indexes of those on whose wish the row is erased. 32 bytes each. */
  readonly owners: readonly Uint8Array[];
  /** See `sealing.ts`. */
  readonly sealed: Uint8Array;
  readonly createdMs: number;
  readonly expiresMs: number;
}

export type FoundRow = Omit<VaultRow, "uniqueIndex" | "owners">;

/** How many rows of each kind. */
export type RowCounts = Readonly<Record<RowKind, number>>;

export interface VaultState {
  /** Given to the vault when it was made; another one is another vault. */
  readonly id: string;
  /** The name of the key by which its indexes are made; see `person_index.ts`. */
  readonly indexKeyName: string;
  /** Rises with every erasure. */
  readonly erasures: number;
}

export interface VaultOpening {
  /** For a vault that is to be made where there is none; undefined: there must be one. */
  readonly made: Omit<VaultState, "erasures"> | undefined;
}

/** Of {@link Vault.put}: for each row the token that holds, or that an erasure was missed. */
export type PutResult =
  | { readonly kind: "kept"; readonly tokens: readonly string[] }
  | { readonly kind: "missed_erasure"; readonly erasures: number };

export interface Vault {
  /** Opens or makes the vault. Undefined: there is none, and none was to be made. */
  open(opening: VaultOpening): Promise<VaultState | undefined>;
  /**
   * Writes all rows or none. Resolved: they are on disk. A row that is there already lives until
   * the later of both ends. For a random token the vault's own one is given back, whoever issued it.
   */
  put(rows: readonly VaultRow[], erasures: number): Promise<PutResult>;
  /** The rows of a token in any domain that have not expired. */
  find(token: string, nowMs: number): Promise<readonly FoundRow[]>;
  /** How many erasures there were; cheap. */
  erasures(): Promise<number>;
  /** How many rows {@link Vault.erase} would remove. */
  count(owners: readonly Uint8Array[]): Promise<RowCounts>;
  /** Removes the rows of these owners, also from the files, as far as the driver can. */
  erase(owners: readonly Uint8Array[]): Promise<RowCounts>;
  /** Removes at most `limit` rows whose time is over; gives their number. */
  purge(nowMs: number, limit: number): Promise<number>;
  close(): Promise<void>;
}

export const RANDOM_KEY_ID = "random";
export const FIELD_KEY_ID = "field";
/** The form in which the vaults of this version hold their rows. */
export const SCHEMA_VERSION = 1;
