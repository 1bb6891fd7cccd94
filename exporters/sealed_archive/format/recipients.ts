/** Who can read which zone, as the entries say it: the genesis first, then each change. */
import type { Entry } from "./entry.ts";

/** Age public keys by zone; a zone that is gone has none. */
export type Recipients = Map<string, readonly string[]>;

export function advanceRecipients(zones: Recipients, entry: Entry): void {
  if (entry.type === "genesis") {
    for (const [zone, { recipients }] of Object.entries(entry.zones)) zones.set(zone, recipients);
  }
  if (entry.type !== "recipients") return;
  const before = zones.get(entry.zone) ?? [];
  const kept = before.filter((recipient) => !entry.removed.includes(recipient));
  zones.set(entry.zone, [...kept, ...entry.added]);
}

export interface RecipientsChange {
  readonly zone: string;
  readonly added: string[];
  readonly removed: string[];
}

/** What leads from one state to the other, by zone. */
export function recipientsChanges(
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
): RecipientsChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((zone) => {
      const [old, now] = [before.get(zone) ?? [], after.get(zone) ?? []];
      return {
        zone,
        added: now.filter((recipient) => !old.includes(recipient)),
        removed: old.filter((recipient) => !now.includes(recipient)),
      };
    })
    .filter(({ added, removed }) => added.length + removed.length > 0);
}
