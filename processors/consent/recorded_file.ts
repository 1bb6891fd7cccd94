/**
 * `recorded.json`: the consents whose records were delivered, by hidden subject, so that what
 * changed while the agent was down is told after the next start.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { AgentError } from "../../src/component/errors.ts";
import { writeFileDurably } from "../../src/lib/durable_file.ts";
import type { Recorded } from "./change.ts";
import type { Entry } from "./registry.ts";

/** JSON has no infinite numbers: an open end is null. */
type StoredEntry = readonly [granted: boolean, fromMs: number | null, untilMs: number | null];

/**
 * Undefined when there is none yet, or when it was written for other purposes or with another key,
 * which `scope` stands for: then nothing in it can be compared. Throws `storage.corrupt`.
 */
export async function readRecorded(path: string, scope: string): Promise<Recorded | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AgentError("storage.corrupt", `${path} cannot be read`, { cause: error });
  }
  try {
    const stored = JSON.parse(text) as {
      version: number;
      scope: string;
      consents: Record<string, StoredEntry[]>;
    };
    if (stored.version !== 1) throw new Error("another version");
    if (stored.scope !== scope) return undefined;
    return new Map(
      Object.entries(stored.consents).map(([key, entries]) => [key, entries.map(loadedEntry)]),
    );
  } catch (cause) {
    throw new AgentError("storage.corrupt", `${path} is damaged`, { cause });
  }
}

export async function writeRecorded(
  path: string,
  scope: string,
  recorded: Recorded,
): Promise<void> {
  const head = `{"version":1,"scope":${JSON.stringify(scope)}`;
  await writeFileDurably(path, `${head},"consents":${storedText(recorded)}}\n`);
}

/** SHA-256 (hex) over the hidden consents in order; the same for the same registry and key. */
export function digestOf(recorded: Recorded): string {
  return createHash("sha256").update(storedText(recorded)).digest("hex");
}

function storedText(recorded: Recorded): string {
  const keys = [...recorded.keys()].sort();
  const consents = keys.map((key) => [key, recorded.get(key)!.map(storedEntry)]);
  return JSON.stringify(Object.fromEntries(consents));
}

function storedEntry({ granted, fromMs, untilMs }: Entry): StoredEntry {
  const finite = (ms: number): number | null => (Number.isFinite(ms) ? ms : null);
  return [granted, finite(fromMs), finite(untilMs)];
}

function loadedEntry([granted, fromMs, untilMs]: StoredEntry): Entry {
  return {
    granted,
    fromMs: fromMs ?? Number.NEGATIVE_INFINITY,
    untilMs: untilMs ?? Number.POSITIVE_INFINITY,
  };
}
