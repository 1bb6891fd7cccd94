/** The report as one page of HTML that needs nothing else: no script, no font, no picture. */
import { formatFinding } from "../../../exporters/sealed_archive/reader/finding.ts";
import type { Framework } from "./clauses.ts";
import { FRAMEWORKS } from "./clauses.ts";
import type { ReportData } from "./data.ts";
import { number, plural } from "./evidence.ts";
import type { Markup } from "./markup.ts";
import { html, table } from "./markup.ts";
import { activity, agent, moment, readers, statements } from "./sections.ts";
import { budgets, configured, treated } from "./sections_protection.ts";
import { STYLE } from "./style.ts";

const FINDINGS_SHOWN = 50;

/** `jsonSha256`: of the bytes of `report.json`, in hex. */
export function reportPage(data: ReportData, jsonSha256: string): string {
  const { origin } = data.integrity;
  const { since, until } = data.period;
  const sections: readonly [id: string, title: string, body: Markup][] = [
    ["integrity", "Integrity", integrity(data)],
    ["activity", "What was sealed", activity(data)],
    ["treated", "Personal data: what was found and how it was treated", treated(data)],
    ["configured", "Protection as configured", configured(data)],
    ["budgets", "Privacy budgets", budgets(data)],
    ["statements", "What else is on the record", statements(data)],
    ["readers", "Who can read", readers(data)],
    ["agent", "Runs, configurations and silence", agent(data)],
    ["frameworks", "Laws and standards", frameworks(data)],
    ["limits", "What this report does not say", limits()],
  ];
  const from = since === undefined ? "From the beginning of the log" : moment(since);
  const parts = sections.map(
    ([id, title, body]) => html`<section id="${id}"><h2>${title}</h2>\n${body}</section>\n`,
  );
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evidence of ${origin} until ${until}</title>
<style>@STYLE@</style></head>
<body><main>
<h1>Evidence report: ${origin}</h1>
<p class="soft">${from} to ${moment(until)}, UTC</p>
${verdict(data)}
<nav aria-label="Contents"><ol>
${sections.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>\n`)}</ol></nav>
${parts}
<footer><p>Made by ${data.made_by} at ${moment(data.made_at)}. The same in full is in report.json,
SHA-256 <code>${jsonSha256}</code>.</p></footer>
</main></body></html>
`;
  return page.text.replace("@STYLE@", () => STYLE);
}

function verdict({ integrity: { status, findings_count: count }, evidence }: ReportData): Markup {
  const against = Object.values(evidence).filter((each) => each.status === "failed");
  if (status !== "whole") {
    return html`<div class="verdict bad"><strong>The archive was changed.</strong>
<p>${plural(count, "place")} are not as they were sealed; see <a href="#integrity">Integrity</a>.
Nothing below can be relied on before that is explained.</p></div>`;
  }
  return html`<div class="verdict"><strong>The archive is whole.</strong>
<p>${evidence.integrity.sentence}</p>${against.map(
    ({ sentence, section }) => html`
<p class="topic failed"><a href="#${section}">${sentence}</a></p>`,
  )}</div>`;
}

function integrity({ integrity: of }: ReportData): Markup {
  const shown = of.findings.slice(0, FINDINGS_SHOWN);
  const rest = of.findings_count - shown.length;
  const unopened = Object.entries(of.unopened_zones);
  const trust =
    of.key_from === "argument"
      ? "It was given to this report from outside the archive."
      : "It was taken from beside the archive: compare it with a copy kept elsewhere.";
  return html`
<dl>
<dt>Log</dt><dd>${of.origin}, ${plural(of.size, "entry", "entries")}</dd>
<dt>Signed root</dt><dd><code>${of.root}</code></dd>
<dt>Public key</dt><dd><code>${of.vkey}</code><br><span class="soft">${trust}</span></dd>
<dt>Epochs</dt><dd>${plural(of.epochs_closed, "epoch")} closed; first key
<code>${of.epoch_vkey}</code><br><span class="soft">${
    of.epoch_key_from === "argument"
      ? "It was given to this report from outside the archive."
      : "It was taken from the log: a thief of the log's key could have put another one there."
  }</span></dd>
<dt>Sealed</dt><dd>${plural(of.records, "record")} in ${plural(of.blocks, "block")},
${(of.block_bytes / 1e6).toFixed(1)} MB</dd>
<dt>Decrypted</dt><dd>${number(of.decrypted_blocks)} of ${plural(of.blocks, "block")}${unopened.map(
    ([zone, blocks]) => html`; zone ${zone} is sealed for others (${plural(blocks, "block")})`,
  )}</dd>
<dt>Deleted by retention</dt><dd>${plural(of.deleted.segments, "segment")} with
${plural(of.deleted.blocks, "block")}; their descriptors stay in the log</dd>
<dt>Erased by orders</dt><dd>${plural(of.redacted.records, "record")} in
${plural(of.redacted.blocks, "block")}${
  of.redacted.unfinished > 0
    ? html`; <span class="against">${number(of.redacted.unfinished)} still there</span>`
    : undefined
}</dd>
<dt>Came, and could not be sealed</dt><dd>${plural(of.withheld, "record")}</dd>
${of.copy === undefined ? undefined : copied(of.copy)}
<dt>Gaps in record chains</dt><dd>${chains(of)}</dd>
</dl>
${
  shown.length === 0
    ? undefined
    : table(
        shown,
        [
          { title: "Kind", cell: ({ kind }) => kind },
          { title: "What is wrong", cell: (finding) => formatFinding(finding) },
        ],
        "",
      )
}${rest > 0 ? html`<p>${number(rest)} more.</p>` : undefined}
<p class="soft">The whole archive was checked, not only the period. To check it yourself:</p>
<pre>vouchsafe verify ARCHIVE --vkey '${of.vkey}' --epoch-vkey '${of.epoch_vkey}'</pre>`;
}

function copied(of: NonNullable<ReportData["integrity"]["copy"]>): Markup {
  const lock = of.locked_until === undefined ? "none locked" : `locked until ${of.locked_until}`;
  const bare = of.unlocked === 0 ? "" : `, ${number(of.unlocked)} without a lock`;
  return html`<dt>Checked from</dt><dd>the copy ${of.url}: ${plural(of.objects, "object")},
${lock} at least${bare}; ${plural(of.absent_blocks, "block")} of open segments are not in it</dd>`;
}

function chains(of: ReportData["integrity"]): string {
  if (of.findings.some(({ kind }) => kind === "chain")) return "Found; they are listed below.";
  if (!of.chains_checked) return "Not looked at: that takes the identities of every zone (-i).";
  return of.chained_records === 0
    ? "No record says its place in a chain."
    : `None in ${plural(of.chained_records, "record")} but those that the log itself explains.`;
}

function frameworks({ evidence }: ReportData): Markup {
  const clauses = ({ title, clauses: rows }: Framework): Markup => html`<h3>${title}</h3>
${table(
  rows,
  [
    { title: "Clause", cell: ({ clause, asks }) => html`<strong>${clause}</strong><br>${asks}` },
    {
      title: "Evidence here",
      cell: ({ topics }) =>
        html`<ul>${topics.map((topic) => {
          const { status, sentence, section } = evidence[topic];
          return html`<li class="topic ${status}"><a href="#${section}">${sentence}</a></li>`;
        })}</ul>`,
    },
    { title: "Not covered", cell: ({ notCovered }) => notCovered },
  ],
  "",
)}`;
  return html`<p>Each clause with the evidence of this archive and with what the archive cannot say.
The clauses are put in our own words. This is material for an assessment, and no statement that
anybody complies.</p>
<ul class="soft">
<li class="topic shown">shown by the archive</li>
<li class="topic none">nothing of the kind in the period</li>
<li class="topic unseen">not looked at: that takes an identity (-i) or a configuration (-c)</li>
<li class="topic failed">what was found speaks against it</li></ul>
${FRAMEWORKS.map(clauses)}`;
}

function limits(): Markup {
  const lines = [
    "What happened before the agent read a line. It vouches for what it was given.",
    "Whether the archive is the newest one. A copy that was rolled back as a whole is whole; a kept checkpoint, a witness or a time stamp shows it.",
    "Records that a thief of the current key added in the open epoch.",
    "Who a person in the lists above really was. Names are what the command was told.",
    "Readings of a copy: whoever holds the archive and an identity reads without an entry.",
    "Personal data that no detector knows, and values that were masked, generalized or dropped: they leave no mark that could be counted.",
    "Whether anybody complies with a law. That is for people to judge.",
  ];
  return html`<ul>${lines.map((line) => html`<li class="topic none">${line}</li>\n`)}</ul>`;
}
