/** The parts of the page about personal data: what was treated, the configuration, the budgets. */
import type { ReportData } from "./data.ts";
import { number } from "./evidence.ts";
import type { Markup } from "./markup.ts";
import { html, table } from "./markup.ts";

const WORDS: Readonly<Record<string, string>> = {
  token: "token",
  encrypted: "encrypted",
  hash: "hash",
  redacted: "redacted",
};

export function treated({ treated: of, evidence }: ReportData): Markup {
  if (of === undefined) return html`<p class="empty">${evidence.treatment.sentence}</p>`;
  return html`<p>${evidence.treatment.sentence} Counted are the marks that stand in the records
in the place of values.</p>
${table(
  of.marks,
  [
    { title: "What", cell: ({ entity }) => entity },
    { title: "Stands as", cell: ({ treatment }) => WORDS[treatment] },
    { title: "Values", kind: "number", cell: ({ values }) => number(values) },
    { title: "Records", kind: "number", cell: ({ records }) => number(records) },
  ],
  "No mark stands in any record.",
)}
<p class="soft">Not counted, because they leave no mark: values that were masked, generalized,
dropped or replaced in their own format, and records that were withheld. A mark can also have been
written by the application itself.</p>`;
}

export function configured({ configured: of, evidence }: ReportData): Markup {
  if (of === undefined) return html`<p class="empty">${evidence.pipelines.sentence}</p>`;
  const fits = of.is_in_force
    ? "It is the configuration that the newest start in the period states."
    : "It is NOT the one that the newest start in the period states: it says how things are " +
      "configured now, and not how they were.";
  return html`<p>From ${of.files.join(", ")}, SHA-256 <code>${of.fingerprint}</code>.
<span class="${of.is_in_force ? undefined : "against"}">${
    of.is_in_force === undefined ? "No start of the agent states a configuration." : fits
  }</span></p>
${table(
  of.pipelines,
  [
    { title: "Pipeline", cell: ({ pipeline }) => pipeline },
    { title: "Way of a record; plaintext ends at ┃", cell: ({ way }) => way },
    {
      title: "Protects",
      cell: ({ protects }) => (protects ? "yes" : html`<span class="against">no</span>`),
    },
  ],
  "There is no pipeline.",
)}
${of.treatments.map(
  ({ pipeline, processor, actions }) => html`<h3>${pipeline}: what ${processor} does</h3>
${table(
  Object.entries(actions),
  [
    { title: "Treatment", cell: ([action]) => action },
    { title: "Of", cell: ([, entities]) => entities.join(", ") },
  ],
  "It looks for nothing.",
)}`,
)}`;
}

export function budgets({ budgets: accounts, configured: config, evidence }: ReportData): Markup {
  if (accounts === undefined || config === undefined || accounts.length === 0) {
    return html`<p class="empty">${evidence.budgets.sentence}</p>`;
  }
  const problems = config.budget_problems.map((line) => html`<p class="against">${line}</p>`);
  return html`<p>The ledgers of the state directory, not the archive, show what was spent. ε and δ
are exact decimals; a day's budget is spent with its first release.</p>
${problems}${accounts.map(
  ({ dataset, days }) => html`<h3>Data set ${dataset}</h3>
${table(
  days,
  [
    { title: "Day (UTC)", cell: ({ day }) => html`<time>${day}</time>` },
    { title: "ε spent", kind: "number", cell: ({ spent }) => spent.epsilon },
    { title: "ε left", kind: "number", cell: ({ left }) => left.epsilon },
    { title: "δ spent", kind: "number", cell: ({ spent }) => spent.delta },
    { title: "δ left", kind: "number", cell: ({ left }) => left.delta },
  ],
  "Nothing was spent in the period.",
)}`,
)}`;
}
