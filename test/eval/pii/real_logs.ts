/** Real logs, in which next to nothing is personal but addresses and one e-mail address. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ConfigName } from "./detect.ts";
import { detectorFor } from "./detect.ts";

/** True findings there: hosts' addresses, and the one e-mail address. */
const TRUE_THERE = new Set(["ipv4", "ipv6", "mac_address", "email"]);

export interface RealLogResult {
  readonly lines: number;
  /** Findings by entity, each one false. */
  readonly falseFindings: Readonly<Record<string, number>>;
  readonly falsePer1000Lines: number;
}

export function readRealLogs(corpora: string): Readonly<Record<string, readonly string[]>> {
  const folder = join(corpora, "loghub");
  const files = readdirSync(folder).filter((name) => name.endsWith(".log"));
  return {
    loghub: files.sort().flatMap((name) => linesOf(join(folder, name))),
    apache_access: linesOf(join(corpora, "apache_access.log")),
  };
}

export function evaluateRealLog(lines: readonly string[], config: ConfigName): RealLogResult {
  const detect = detectorFor(config);
  const counts = new Map<string, number>();
  let total = 0;
  for (const line of lines) {
    for (const { type } of detect(line)) {
      if (TRUE_THERE.has(type)) continue;
      // Each line begins with a date; who asks for dates wants it.
      if (config === "recall" && (type === "date" || type === "url")) continue;
      counts.set(type, (counts.get(type) ?? 0) + 1);
      total++;
    }
  }
  return {
    lines: lines.length,
    falseFindings: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    falsePer1000Lines: Math.round((total / lines.length) * 100_000) / 100,
  };
}

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8").split("\n");
}
