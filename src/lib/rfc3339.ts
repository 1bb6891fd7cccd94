/** Time stamps of RFC 3339. */
import type { HrTime } from "../data/time.ts";

const SECONDS_LENGTH = "2024-03-30T08:31:20".length;
const ZONE = /^(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** With up to nine digits of a second; undefined for what is no such time. */
export function parseRfc3339(text: string): HrTime | undefined {
  const zone = ZONE.exec(text.slice(SECONDS_LENGTH));
  const utcMs = Date.parse(`${text.slice(0, SECONDS_LENGTH)}Z`);
  if (zone === null || Number.isNaN(utcMs) || text[10] !== "T") return undefined;
  const offsetS = Number(zone[3] ?? 0) * 3600 + Number(zone[4] ?? 0) * 60;
  return [
    utcMs / 1000 - (zone[2] === "-" ? -offsetS : offsetS),
    Number((zone[1] ?? "").padEnd(9, "0")),
  ];
}
