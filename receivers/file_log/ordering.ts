/**
 * The first files of an order, of those that match: the Collector's `ordering_criteria`. The others
 * are not begun; one that falls behind while it is read is finished as a renamed file is.
 */
import { stat } from "node:fs/promises";
import { compileGoRegex } from "../../src/lib/operators/go_regex.ts";
import { compileStrptime } from "../../src/lib/operators/time_layout.ts";
import { timeReader } from "../../src/lib/operators/timestamp.ts";
import type { OrderingConfig } from "./config.ts";

interface Candidate {
  readonly path: string;
  readonly captures: Readonly<Record<string, string | undefined>>;
}

/** A value to sort by; undefined leaves the file out. */
type Rank = (candidate: Candidate) => Promise<number | string | undefined>;

export class Ordering {
  readonly #config: OrderingConfig;
  readonly #regex: RegExp | undefined;
  readonly #groupBy: RegExp | undefined;
  readonly #sorts: readonly { readonly rank: Rank; readonly ascending: boolean }[];
  /** Names do not change their places; times of modification do. */
  readonly #isLasting: boolean;
  #last:
    | { readonly paths: ReadonlySet<string>; readonly selected: ReadonlySet<string> }
    | undefined;

  constructor(config: OrderingConfig, nowMs: () => number) {
    this.#config = config;
    this.#regex = config.regex === undefined ? undefined : compileGoRegex(config.regex);
    this.#groupBy = config.group_by === undefined ? undefined : compileGoRegex(config.group_by);
    this.#sorts = config.sort_by.map((sort) => ({
      rank: rankOf(sort, nowMs),
      ascending: sort.ascending,
    }));
    this.#isLasting = config.sort_by.every(({ sort_type }) => sort_type !== "mtime");
  }

  /** The same set again when nothing changed. */
  async select(paths: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    if (this.#last?.paths === paths && this.#isLasting) return this.#last.selected;
    const groups = new Map<string, Candidate[]>();
    for (const path of paths) {
      const match = this.#regex?.exec(path);
      if (match === null) continue;
      const key = this.#groupOf(path);
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      group.push({ path, captures: match?.groups ?? {} });
    }
    const selected = new Set<string>();
    for (const group of groups.values()) {
      const sorted = await this.#sorted(group);
      for (const { path } of sorted.slice(0, this.#config.top_n)) selected.add(path);
    }
    const before = this.#last?.selected;
    const isSame =
      before?.size === selected.size && [...selected].every((path) => before.has(path));
    this.#last = { paths, selected: isSame ? before : selected };
    return this.#last.selected;
  }

  /** What the groups of the expression hold, or the whole match where it has none. */
  #groupOf(path: string): string {
    const match = this.#groupBy?.exec(path);
    if (match === undefined || match === null) return "";
    return match.length === 1 ? match[0] : match.slice(1).join("\0");
  }

  /** Sorted by each criterion in turn, so that the last one counts most, as in the Collector. */
  async #sorted(group: readonly Candidate[]): Promise<readonly Candidate[]> {
    let candidates = group;
    for (const { rank, ascending } of this.#sorts) {
      const ranked = await Promise.all(
        candidates.map(async (candidate) => ({ candidate, value: await rank(candidate) })),
      );
      const known = ranked.filter(({ value }) => value !== undefined);
      known.sort((a, b) => compare(a.value!, b.value!) * (ascending ? 1 : -1));
      candidates = known.map(({ candidate }) => candidate);
    }
    return candidates;
  }
}

function compare(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function rankOf(sort: OrderingConfig["sort_by"][number], nowMs: () => number): Rank {
  const { sort_type, regex_key: key = "", layout = "", location, max_time: maxMs } = sort;
  switch (sort_type) {
    case "numeric":
      return async ({ captures }) => {
        const text = captures[key] ?? "";
        return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
      };
    case "alphabetical":
      return async ({ captures }) => captures[key];
    case "timestamp": {
      const read = timeReader(compileStrptime(layout) ?? [], location, nowMs);
      return async ({ captures }) => {
        const time = read(captures[key] ?? "");
        return time === undefined ? undefined : time[0] + time[1] / 1e9;
      };
    }
    case "mtime":
      return async ({ path }) => {
        const modifiedMs = await stat(path).then(
          ({ mtimeMs }) => mtimeMs,
          () => undefined,
        );
        const isOld = modifiedMs !== undefined && maxMs > 0 && nowMs() - modifiedMs >= maxMs;
        return isOld ? undefined : modifiedMs;
      };
  }
}
