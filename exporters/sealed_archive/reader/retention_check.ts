/**
 * Checks the deletions that the log states: whole closed segments, after the time that it says, and
 * none on which there was a hold; single records only by the order of an authority.
 */
import type { Entry } from "../format/entry.ts";
import type { Holds } from "../format/holds.ts";
import { advanceHolds, holdOn, holdProblem } from "../format/holds.ts";
import type { KeptSegments } from "../format/kept_segments.ts";
import { advanceKept } from "../format/kept_segments.ts";
import type { RedactionState } from "../format/redactions.ts";
import { advanceAuthorities, redactProblem } from "../format/redactions.ts";
import type { Report } from "./finding.ts";

export class RetentionCheck {
  readonly #report: Report;
  readonly #kept: KeptSegments = new Map();
  readonly #holds: Holds = new Map();
  #authorities: readonly string[] = [];
  #origin = "";

  constructor(report: Report) {
    this.#report = report;
  }

  take(entry: Entry, index: number): void {
    const problem = this.#problem(entry);
    if (problem === undefined) return;
    const place = "seg" in entry ? { zone: entry.zone, segment: entry.seg } : {};
    this.#report({ kind: "entry", entry: index, ...place, reason: problem });
  }

  #problem(entry: Entry): string | undefined {
    if (entry.type === "genesis") this.#origin = entry.origin;
    this.#authorities = advanceAuthorities(this.#authorities, entry);
    if (entry.type === "redact") return redactProblem(this.#redactionState(), entry);
    if (entry.type === "hold") {
      const problem = holdProblem(this.#holds, entry);
      advanceHolds(this.#holds, entry);
      return problem;
    }
    const held = entry.type === "retain" ? this.#holdOn(entry.zone, Number(entry.seg)) : undefined;
    const problem = advanceKept(this.#kept, entry);
    return held === undefined ? problem : `it deletes what is held for the case '${held}'`;
  }

  #redactionState(): RedactionState {
    const [origin, authorities] = [this.#origin, this.#authorities];
    return { origin, authorities, kept: this.#kept, holds: this.#holds };
  }

  #holdOn(zone: string, number: number): string | undefined {
    const found = this.#kept.get(zone)?.find(({ segment }) => segment === number);
    return found && holdOn(this.#holds, zone, found);
  }
}
