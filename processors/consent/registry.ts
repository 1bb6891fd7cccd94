/**
 * Who consented to what, and when.
 *
 * Invariant: without an entry there is no consent, and a refusal that holds at some time wins over
 * every consent that holds then.
 */

/** One line of a registry. Times are milliseconds since the Unix epoch, `[fromMs, untilMs)`. */
export interface Entry {
  readonly granted: boolean;
  /** `-Infinity`: since ever. */
  readonly fromMs: number;
  /** `Infinity`: for ever. */
  readonly untilMs: number;
}

export class Registry {
  /** By subject, then by purpose. */
  readonly #entries = new Map<string, Map<string, Entry[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(subject: string, purpose: string, entry: Entry): void {
    let purposes = this.#entries.get(subject);
    if (purposes === undefined) {
      purposes = new Map();
      this.#entries.set(subject, purposes);
    }
    const entries = purposes.get(purpose);
    if (entries === undefined) purposes.set(purpose, [entry]);
    else entries.push(entry);
    this.#size++;
  }

  hasConsent(subject: string, purpose: string, atMs: number): boolean {
    return holds(this.#entries.get(subject)?.get(purpose) ?? [], atMs);
  }

  /** `[subject, purpose, entries]` of these purposes. */
  *list(purposes: readonly string[]): Generator<[string, string, readonly Entry[]]> {
    for (const [subject, byPurpose] of this.#entries) {
      for (const purpose of purposes) {
        const entries = byPurpose.get(purpose);
        if (entries !== undefined) yield [subject, purpose, entries];
      }
    }
  }
}

/** True when at that time some entry grants consent and none refuses it. */
export function holds(entries: readonly Entry[], atMs: number): boolean {
  let granted = false;
  for (const entry of entries) {
    if (atMs < entry.fromMs || atMs >= entry.untilMs) continue;
    if (!entry.granted) return false;
    granted = true;
  }
  return granted;
}
