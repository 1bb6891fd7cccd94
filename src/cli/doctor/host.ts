/** What the machine and the program bring along: Node.js, its permission model, clock, limits. */
import { readFile, stat } from "node:fs/promises";
import type { CheckedConfig } from "../../../config/load.ts";
import manifest from "../../../package.json" with { type: "json" };
import type { Clock } from "../../component/settings.ts";
import type { Finding } from "./finding.ts";
import { ok, warning } from "./finding.ts";

/** Files that Node.js, sockets, the archive and queues need beside those that are read. */
const OTHER_FILES = 256;
/** What a clock may be behind a file that was written on this machine. */
const CLOCK_STEP_MS = 60_000;
/** The first release of this program: an earlier clock was never set. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);

export function checkNode(): Finding[] {
  const permission = (process as { permission?: unknown }).permission !== undefined;
  const model = `permission model ${permission ? "on" : "off"}`;
  const needed = manifest.engines.node;
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = needed.replace(">=", "").split(".").map(Number);
  const message = `${process.version}, ${model}`;
  const recent = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  if (!recent) return [warning("node", `${message}; ${needed} is needed`, "install a newer one")];
  return [ok("node", message)];
}

export async function checkClock(config: CheckedConfig, clock: Clock): Promise<Finding[]> {
  const nowMs = clock.nowMs();
  const now = new Date(nowMs).toISOString();
  const fix = "set the clock, and keep it right with chrony or systemd-timesyncd";
  if (nowMs < EARLIEST_MS) return [warning("clock", `it is ${now}: never set`, fix)];
  for (const directory of [config.service.stateDirectory, ...config.files]) {
    const stats = await stat(directory).catch(() => undefined);
    if (stats === undefined || stats.mtimeMs <= nowMs + CLOCK_STEP_MS) continue;
    const seconds = Math.round((stats.mtimeMs - nowMs) / 1000);
    return [warning("clock", `${directory} was changed ${seconds} s in the future`, fix)];
  }
  return [ok("clock", now)];
}

export async function checkLimits(config: CheckedConfig): Promise<Finding[]> {
  const wanted = [...config.receivers.values()].reduce((sum, { factory, config: settings }) => {
    if (factory.type !== "file_log") return sum;
    return sum + (settings as { max_concurrent_files: number }).max_concurrent_files;
  }, OTHER_FILES);
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const text = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (text === undefined) return [ok("limits", "open files: not told by this system")];
  const allowed = text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text);
  const message = `${text} open files allowed, up to ${wanted} used`;
  if (allowed >= wanted) return [ok("limits", message)];
  const fix = "raise it (ulimit -n, LimitNOFILE=), or lower max_concurrent_files";
  return [warning("limits", message, fix)];
}
