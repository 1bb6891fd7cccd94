/** The parts of the page about the log: what was sealed, who did what, how the agent ran. */
import { dayChart } from "./chart.ts";
import type { ReportData } from "./data.ts";
import { number, plural } from "./evidence.ts";
import type { Markup } from "./markup.ts";
import { html, table } from "./markup.ts";

/** Lines of one table; `report.json` has more. */
const ROWS_MAX = 200;
const DAYS_MAX = 62;

export function moment(time: string): Markup {
  return html`<time datetime="${time}">${time.slice(0, 10)} ${time.slice(11, 19)}</time>`;
}

export function activity({ activity: of, evidence }: ReportData): Markup {
  const zones = table(
    of.zones,
    [
      { title: "Zone", cell: ({ zone }) => zone },
      { title: "Records", kind: "number", cell: ({ records }) => number(records) },
      { title: "Blocks", kind: "number", cell: ({ blocks }) => number(blocks) },
      { title: "Bytes", kind: "number", cell: ({ bytes }) => number(bytes) },
    ],
    "Nothing was sealed in the period.",
  );
  const days = of.days.map(({ day, records }) => ({
    day,
    records: Object.values(records).reduce((sum, count) => sum + count, 0),
  }));
  const list = days.map(
    ({ day, records }) => html`<li><time>${day}</time><span>${number(records)}</span></li>\n`,
  );
  return html`<p>${evidence.records.sentence}
${plural(of.segments_closed, "segment")} were closed. A record counts on the day on which it was
sealed.</p>
${zones}${dayChart(days)}${
  days.length > 1 && days.length <= DAYS_MAX
    ? html`<ul class="days" aria-label="Records by day (UTC)">\n${list}</ul>`
    : undefined
}`;
}

const TITLES: Readonly<Record<string, string>> = {
  recipients: "Changes of readers",
  authorities: "Changes of redaction authorities",
  scrub: "Changes of coarser copies for long keeping",
  access: "Readings and revelations",
  erase: "Erasures",
  retain: "Deletions at the end of retention",
  hold: "Legal holds",
  redact: "Redactions",
  anchor: "Outside anchors",
  copy: "Copies to locked storage",
};

export function statements({ statements: groups, unknown_entries: unknown }: ReportData): Markup {
  const parts = groups.map(({ kind, count, listed }) => {
    const shown = listed.slice(-ROWS_MAX);
    const rest =
      count > shown.length ? html`<p>The newest ${number(shown.length)}.</p>` : undefined;
    return html`<section id="statements-${kind}">
<h3>${TITLES[kind] ?? `Entries of kind ${kind}`} (${number(count)})</h3>
${rest}${table(
  shown,
  [
    { title: "Entry", kind: "number", cell: ({ entry }) => number(entry) },
    { title: "What the log says", cell: ({ said }) => said },
  ],
  "",
)}</section>`;
  });
  const more =
    unknown === 0
      ? undefined
      : html`<p class="against">${plural(unknown, "entry", "entries")} are of kinds
that this version does not know; they are under the signed root, and not explained here.</p>`;
  if (groups.length > 0)
    return html`<p>What people and the agent had recorded. Each line is an entry
under the signed root.</p>${parts}${more}`;
  return html`<p class="empty">Nobody read, revealed, erased or deleted anything on the record
in the period.</p>${more}`;
}

export function readers({ readers: changes }: ReportData): Markup {
  return html`<p>The log names the public keys for which each zone is sealed, and every change.
Who holds the identities behind them, the log cannot say.</p>
${table(
  changes.flatMap(({ entry, at, zones }) =>
    Object.entries(zones).map(([zone, keys]) => ({ entry, at, zone, keys })),
  ),
  [
    { title: "From", cell: ({ at }) => moment(at) },
    { title: "Entry", kind: "number", cell: ({ entry }) => number(entry) },
    { title: "Zone", cell: ({ zone }) => zone },
    { title: "Keys", kind: "code", cell: ({ keys }) => keys.map((key) => html`${key}<br>`) },
  ],
  "The log names no readers.",
)}`;
}

const SILENCES: Readonly<Record<string, string>> = {
  stopped: "the agent was not running",
  silent: "the agent ran and said nothing",
  clock_back: "the clock was set back",
  end: "nothing since",
};

export function agent({ agent: of, evidence }: ReportData): Markup {
  const runs = of.runs.slice(-ROWS_MAX);
  return html`<p>${evidence.configuration.sentence} ${evidence.presence.sentence}</p>
${table(
  of.configurations,
  [
    { title: "From", cell: ({ from }) => moment(from) },
    { title: "Entry", kind: "number", cell: ({ entry }) => number(entry) },
    { title: "Starts", kind: "number", cell: ({ starts }) => number(starts) },
    { title: "Configuration (SHA-256)", kind: "code", cell: ({ config }) => config },
  ],
  "No start states a configuration.",
)}
<h3>Starts</h3>
${table(
  runs,
  [
    { title: "Start", cell: ({ at }) => moment(at) },
    { title: "Entry", kind: "number", cell: ({ entry }) => number(entry) },
    { title: "After", kind: "number", cell: ({ seconds_since_last: after }) => duration(after) },
    { title: "Taken over", kind: "number", cell: ({ replayed }) => number(replayed) },
    {
      title: "Configuration",
      kind: "code",
      cell: ({ config }) =>
        config?.slice(0, 16) ?? html`<span class="soft">none: a command, or an older agent</span>`,
    },
  ],
  "No start of the agent is logged.",
)}
<p class="soft">“After” is the time since the entry before; “taken over” are entries of the run
before that it had not signed yet.${runs.length < of.runs.length ? " The newest starts." : ""}</p>
<h3>Silence</h3>
${table(
  of.silences.slice(-ROWS_MAX),
  [
    { title: "From", cell: ({ from }) => moment(from) },
    { title: "To", cell: ({ to }) => moment(to) },
    { title: "Long", kind: "number", cell: ({ seconds }) => duration(seconds) },
    {
      title: "What it is",
      cell: ({ kind }) =>
        html`<span class="${kind === "stopped" ? undefined : "against"}">${SILENCES[kind]}</span>`,
    },
  ],
  "In no interval was a sign of life missing.",
)}${of.unlisted > 0 ? html`<p>${number(of.unlisted)} more are not listed.</p>` : undefined}`;
}

/** The two largest units. */
function duration(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined;
  const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  if (days! > 0) return `${number(days!)} d ${hours! % 24} h`;
  if (hours! > 0) return `${hours} h ${minutes! % 60} min`;
  return minutes! > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
