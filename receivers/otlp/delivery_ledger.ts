/**
 * Which request bodies were taken, and how often their answer went out: what makes a retry of a
 * client the same request, and a body that is sent once more after its answer another one.
 *
 * Invariant: at most `BODIES_MAX` bodies are remembered, the least recently taken is forgotten
 * first. It lives in memory only: after a restart every body is at its first delivery again, which
 * is right for a retry of what was not answered before the crash.
 */

/** About 8 MiB when full. */
export const BODIES_MAX = 32_768;

/** What a client is told about records that were taken. */
export interface Outcome {
  readonly rejectedRecords: number;
  readonly message: string;
}

interface Entry {
  /** Deliveries that were answered and whose answer went out. */
  answered: number;
  /** The outcome of a delivery whose answer has not gone out. */
  unanswered: Outcome | undefined;
}

export class DeliveryLedger {
  readonly #entries = new Map<string, Entry>();

  /** How many times this body was taken and its client told so. */
  answered(body: string): number {
    return this.#entries.get(body)?.answered ?? 0;
  }

  /** The outcome that the client of this body does not know yet. */
  unanswered(body: string): Outcome | undefined {
    return this.#entries.get(body)?.unanswered;
  }

  taken(body: string, outcome: Outcome): void {
    const answered = this.answered(body);
    this.#entries.delete(body);
    this.#entries.set(body, { answered, unanswered: outcome });
    if (this.#entries.size <= BODIES_MAX) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** The answer about this outcome went out. Several may wait for one; the first one counts. */
  answerSent(body: string, outcome: Outcome): void {
    const entry = this.#entries.get(body);
    if (entry === undefined || entry.unanswered !== outcome) return;
    entry.answered++;
    entry.unanswered = undefined;
  }
}
