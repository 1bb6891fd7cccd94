/**
 * Checks single links with the keys of one chain, going forwards.
 *
 * Invariant: only a link that holds moves the place in the key schedule; what a forged record
 * claims costs at most the budget.
 */
import { ChainMac } from "./chain_mac.ts";
import type { HashBudget } from "./key_schedule.ts";
import { KeyCursor } from "./key_schedule.ts";
import type { RecordTable } from "./record_table.ts";

/** About a minute of hashing; a chain of a thousand million batches needs a million. */
const HASHES_MAX = 100_000_000;

export class LinkChecker {
  readonly #table: RecordTable;
  readonly #mac = new ChainMac();
  readonly #budget: HashBudget = { left: HASHES_MAX };
  #cursor: KeyCursor;
  /** Where the last try was: keys derived for a claim serve the next one, if that lies behind. */
  #tried: KeyCursor;
  #keyInMac: Uint8Array | undefined;

  constructor(table: RecordTable, chainKey: Uint8Array, chain: string) {
    this.#table = table;
    this.#cursor = KeyCursor.atStart(chainKey, chain);
    this.#tried = this.#cursor;
  }

  /** The place reached so far. */
  get cursor(): KeyCursor {
    return this.#cursor;
  }

  /** Does the row hold as `sequence`, continuing `previous`? */
  holds(row: number, sequence: number, previous: string): boolean {
    const cursor = this.#check(row, sequence, previous, this.#cursor);
    if (cursor === undefined) return false;
    this.#cursor = cursor;
    return true;
  }

  /** The same, at an earlier place and without moving. */
  wouldHold(row: number, sequence: number, previous: string, cursor: KeyCursor): boolean {
    return this.#check(row, sequence, previous, cursor) !== undefined;
  }

  #check(row: number, sequence: number, previous: string, start: KeyCursor): KeyCursor | undefined {
    const table = this.#table;
    const run = table.run(row);
    const step = table.step(row);
    const from = this.#tried.isWithin(start, run, step) ? this.#tried : start;
    const cursor = from.advanceTo(run, step, this.#budget);
    if (cursor === undefined) return undefined;
    this.#tried = cursor;
    if (this.#keyInMac !== cursor.key) {
      this.#mac.setKey(cursor.key);
      this.#keyInMac = cursor.key;
    }
    this.#mac.setPrevious(previous);
    return this.#mac.link(sequence, table.digest(row)) === table.tag(row) ? cursor : undefined;
  }
}
