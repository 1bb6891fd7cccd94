/** The tables of `docs/security/tampering.md`: what is done to an archive, and who detects it. */
import { fileTamperings } from "./tampering.ts";
import { keyTamperings } from "./tampering_keys.ts";
import { MODES } from "./tampering_scene.ts";

interface ShownElsewhere {
  readonly number: number;
  readonly what: string;
  readonly verdict: string;
  readonly file: string;
  /** The name of the test. */
  readonly title: string;
}

const ARCHIVE = "exporters/sealed_archive";

/** What is no change of an archive's files, or has a test of its own. */
export const shownElsewhere: readonly ShownElsewhere[] = [
  {
    number: 33,
    what: "replays a witness's cosignature on a log of another origin",
    verdict: "the cosignature does not hold, so a policy counts it as none",
    file: `${ARCHIVE}/format/policy.test.ts`,
    title: "a cosignature holds for its checkpoint, key and time alone",
  },
  {
    number: 40,
    what: "sets the agent's clock back",
    verdict: "the times in the log go on from the latest; nothing is reported",
    file: `${ARCHIVE}/epochs.test.ts`,
    title: "times in the log never go back, whatever the clock does",
  },
  {
    number: 41,
    what: "stops the agent for a while",
    verdict: "not tampering by itself: the stop or the silence is named in the report",
    file: "src/cli/report.test.ts",
    title: "tells a stop, a silence and an end apart",
  },
  {
    number: 42,
    what: "cuts off any file at any byte",
    verdict: "recovered at the next start, or named",
    file: `${ARCHIVE}/torn_files.test.ts`,
    title: "every file cut off at any byte is recovered or named",
  },
  {
    number: 43,
    what: "starts a second agent on the archive",
    verdict: "the second one refuses to start",
    file: `${ARCHIVE}/sealed_archive.test.ts`,
    title: "refuses an archive that is not its own, and says why",
  },
  {
    number: 44,
    what: "adds a recipient in the configuration",
    verdict: "not refused, but an entry of the log says it from there on",
    file: `${ARCHIVE}/zones.test.ts`,
    title: "zones come and go with the configuration, and the archive stays one",
  },
  {
    number: 45,
    what: "erases records without an order, or more than ordered",
    verdict: "detected with `--vkey`",
    file: `${ARCHIVE}/redact.test.ts`,
    title: "a redaction that nobody ordered, or of more, or that was changed, is seen",
  },
  {
    number: 46,
    what: "deletes a segment without an entry, too early, or in spite of a hold",
    verdict: "detected with `--vkey`",
    file: `${ARCHIVE}/retention.test.ts`,
    title: "deletions that nobody stated, or that a hold or the time forbids, are seen",
  },
  {
    number: 47,
    what: "logs a segment or zone whose name leads out of the archive",
    verdict: "detected with `--vkey`: the entry is malformed",
    file: `${ARCHIVE}/format/entry.test.ts`,
    title: "refuses names that would lead out of the archive",
  },
  {
    number: 48,
    what: "logs entries of 65,535 and of 65,536 bytes",
    verdict: "the first is read, the second cannot be written",
    file: `${ARCHIVE}/format/tiles.test.ts`,
    title: "reads back the entries of a bundle, up to 65,535 bytes each",
  },
  {
    number: 50,
    what: "deletes or lays over objects in a bucket with locks",
    verdict: "found and read by their versions",
    file: "test/conformance/archive_copies.test.ts",
    title: "what somebody did to the bucket is found, and what is locked is read",
  },
];

/** What no mode of `verify` looks at so far. */
const NOT_CHECKED: readonly (readonly [number, string])[] = [
  [34, "gives a cosignature a time in the future, or one that goes back"],
  [35, "puts in the time stamp of another checkpoint, or of an authority that is not trusted"],
];

type Row = readonly [number: number, line: string];

function split(name: string): readonly [number, string] {
  const [, number, what] = /^(\d+) (.*)$/.exec(name) ?? [];
  return [Number(number), what ?? name];
}

function modeRows(): Row[] {
  const ofFiles = fileTamperings
    .filter(({ name }) => /^\d/.test(name))
    .map(({ name }): Row => {
      const [number, what] = split(name);
      return [
        number,
        rowOf(
          number,
          what,
          MODES.map(() => "detected"),
        ),
      ];
    });
  const ofKeys = keyTamperings.map(({ name, seenBy, isUnreadable }): Row => {
    const [number, what] = split(name);
    const cells = MODES.map((mode) => {
      if (isUnreadable) return "refused";
      return seenBy.includes(mode) ? "detected" : "**no**";
    });
    return [number, rowOf(number, what, cells)];
  });
  return [...ofFiles, ...ofKeys].sort(([a], [b]) => a - b);
}

function rowOf(number: number, what: string, cells: readonly string[]): string {
  return `| ${[number, what, ...cells].join(" | ")} |`;
}

function elsewhereRows(): Row[] {
  const shown = shownElsewhere.map(({ number, what, verdict, file }): Row => {
    return [number, rowOf(number, what, [verdict, `[test](../../${file})`])];
  });
  const open = NOT_CHECKED.map(([number, what]): Row => {
    return [number, rowOf(number, what, ["**not checked by `verify` so far**", ""])];
  });
  return [...shown, ...open].sort(([a], [b]) => a - b);
}

/** Each number once, in order. */
export function numbersOfRows(): number[] {
  const numbers = [...modeRows(), ...elsewhereRows()].map(([number]) => number);
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** The page with fresh tables between its marks. */
export function withTables(page: string): string {
  const modes = ["public key", "first epoch's key", "older checkpoint", "newest checkpoint"];
  const head = `| | somebody who | ${[...modes, "role's key"].join(" | ")} |`;
  const ofModes = [head, `|${"---|".repeat(7)}`, ...modeRows().map(([, line]) => line)];
  const elsewhere = ["| | somebody who | what happens | shown by |", `|${"---|".repeat(4)}`];
  const others = [...elsewhere, ...elsewhereRows().map(([, line]) => line)];
  return between(between(page, "modes", ofModes), "others", others);
}

function between(page: string, mark: string, lines: readonly string[]): string {
  const [begin, end] = [`<!-- ${mark} -->\n`, `<!-- /${mark} -->`];
  const [start, stop] = [page.indexOf(begin), page.indexOf(end)];
  if (start < 0 || stop < 0) throw new Error(`the page has no marks for ${mark}`);
  return `${page.slice(0, start + begin.length)}${lines.join("\n")}\n${page.slice(stop)}`;
}
