/** Legal holds: what must not be deleted until somebody releases it. */
import type { Entry, HoldEntry } from "./entry.ts";
import type { KeptSegment } from "./kept_segments.ts";

export type Hold = Pick<HoldEntry, "case" | "zone" | "since" | "until">;

/** By the name of their case. */
export type Holds = Map<string, Hold>;

export function advanceHolds(holds: Holds, entry: Entry): void {
  if (entry.type !== "hold") return;
  const { case: name, zone, since, until } = entry;
  if (entry.action === "add") holds.set(name, { case: name, zone, since, until });
  else holds.delete(name);
}

/** What about a wish does not fit the holds that there are. */
export function holdProblem(
  holds: Holds,
  { action, case: name }: Pick<HoldEntry, "action" | "case">,
): string | undefined {
  const isHeld = holds.has(name);
  if (action === "add" && isHeld) return `there is a hold for the case '${name}' already`;
  if (action === "release" && !isHeld) return `there is no hold for the case '${name}'`;
  return undefined;
}

/** The case whose hold keeps the segment: one with records of its time, in its zone. */
export function holdOn(holds: Holds, zone: string, segment: KeptSegment): string | undefined {
  for (const hold of holds.values()) {
    if (hold.zone !== undefined && hold.zone !== zone) continue;
    if (hold.since !== undefined && segment.toMs < hold.since) continue;
    if (hold.until !== undefined && segment.fromMs >= hold.until) continue;
    return hold.case;
  }
  return undefined;
}
