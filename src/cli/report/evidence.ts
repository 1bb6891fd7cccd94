/**
 * What the archive shows, topic by topic: one sentence each, computed from what was collected.
 *
 * Invariant: a topic is `shown` only when this very report looked at it. What was not looked at, or
 * did not happen, is said as such, and a sentence never claims more than was checked.
 */
import type { Collected, StatementGroup } from "./collect.ts";
import type { Configured } from "./configured.ts";

/**
 * `shown`: it is in the archive. `none`: nothing of the kind happened in the period. `unseen`: this
 * report had no means to look. `failed`: what was found speaks against it.
 */
export type EvidenceStatus = "shown" | "none" | "unseen" | "failed";

export interface Evidence {
  readonly status: EvidenceStatus;
  readonly sentence: string;
  /** Part of the report that shows it in full. */
  readonly section: string;
}

export interface Material {
  readonly collected: Collected;
  readonly configured: Configured | undefined;
}

export const TOPICS = {
  integrity,
  epochs,
  records,
  encryption,
  readers,
  treatment,
  pipelines,
  budgets,
  runs,
  configuration,
  presence,
  changedReaders: (material: Material) =>
    ofKind(material, "recipients", "change of readers", "changes of readers"),
  access: (material: Material) => ofKind(material, "access", "access", "accesses"),
  erasure: (material: Material) => ofKind(material, "erase", "erasure"),
  retention: (material: Material) =>
    ofKind(material, "retain", "deletion by retention", "deletions by retention"),
  holds: (material: Material) => ofKind(material, "hold", "legal hold"),
  redaction: (material: Material) => ofKind(material, "redact", "redaction"),
  anchors: (material: Material) => ofKind(material, "anchor", "outside anchor"),
  copies: (material: Material) =>
    ofKind(material, "copy", "copy to locked storage", "copies to locked storage"),
} as const satisfies Record<string, (material: Material) => Evidence>;

export type Topic = keyof typeof TOPICS;

export function evidenceOf(material: Material): Record<Topic, Evidence> {
  const topics = Object.entries(TOPICS).map(([topic, look]) => [topic, look(material)] as const);
  return Object.fromEntries(topics) as Record<Topic, Evidence>;
}

function integrity({ collected: { verified } }: Material): Evidence {
  const { findingsCount, size, blocks } = verified;
  if (findingsCount > 0) {
    const sentence = `The archive is not whole: ${plural(findingsCount, "place")} were changed.`;
    return { status: "failed", sentence, section: "integrity" };
  }
  const sentence =
    `The ${plural(size, "entry", "entries")} of the log give the signed root, and every byte of ` +
    `${plural(blocks, "block")} has the hash that the log has.`;
  return { status: "shown", sentence, section: "integrity" };
}

function epochs({ collected: { verified } }: Material): Evidence {
  const { closed, isPinned } = verified.epochs;
  const section = "integrity";
  if (closed === 0) {
    return { status: "none", sentence: "No epoch was closed yet.", section };
  }
  const pinned = isPinned ? "a key kept outside" : "the first key, which stands in the log itself";
  const sentence =
    `${plural(closed, "epoch")} were closed, each signed with a key that was destroyed then; they ` +
    `follow from ${pinned}.`;
  return { status: verified.findingsCount === 0 ? "shown" : "unseen", sentence, section };
}

function records({ collected: { zones, verified } }: Material): Evidence {
  const sum = zones.reduce((total, zone) => total + zone.records, 0);
  const section = "activity";
  if (sum === 0) {
    return { status: "none", sentence: "No record was sealed in the period.", section };
  }
  const all = verified.records === sum ? "" : `, ${number(verified.records)} in the whole archive`;
  const sentence = `${plural(sum, "record")} were sealed in the period${all}.`;
  return { status: "shown", sentence, section };
}

function encryption({ collected: { verified, zones } }: Material): Evidence {
  const blocks = zones.reduce((total, zone) => total + zone.blocks, 0);
  const section = "integrity";
  if (blocks === 0)
    return { status: "none", sentence: "No block was sealed in the period.", section };
  if (verified.decryptedBlocks === 0) {
    const sentence = "That the blocks are encrypted was not tried: the report had no identity.";
    return { status: "unseen", sentence, section };
  }
  const sentence =
    `${number(verified.decryptedBlocks)} of ${plural(verified.blocks, "block")} are age files that ` +
    "the given identities opened.";
  return { status: "shown", sentence, section };
}

function readers({ collected: { timeline } }: Material): Evidence {
  const section = "readers";
  const now = timeline.readers.at(-1);
  if (now === undefined) {
    return { status: "none", sentence: "The log names no readers.", section };
  }
  const zones = Object.entries(now.zones).map(([zone, keys]) => `${zone} (${keys.length})`);
  const sentence = `The log names the keys that can read each zone: ${zones.join(", ")}.`;
  return { status: "shown", sentence, section };
}

function treatment({ collected: { marks } }: Material): Evidence {
  const section = "treated";
  if (marks === undefined) {
    const sentence = "Whether personal data was treated was not looked at: that takes an identity.";
    return { status: "unseen", sentence, section };
  }
  if (marks.marked === 0) {
    const sentence = `No treated value stands in the ${plural(marks.records, "record")} read.`;
    return { status: "none", sentence, section };
  }
  const values = marks.marks.reduce((total, mark) => total + mark.values, 0);
  const kinds = new Set(marks.marks.map(({ entity }) => entity)).size;
  const sentence =
    `${plural(values, "value")} of ${plural(kinds, "kind")} of personal data stand treated in ` +
    `${number(marks.marked)} of ${plural(marks.records, "record")}.`;
  return { status: "shown", sentence, section };
}

function pipelines({ configured }: Material): Evidence {
  const section = "configured";
  if (configured === undefined) {
    const sentence = "How records are protected on their way was not looked at: that takes -c.";
    return { status: "unseen", sentence, section };
  }
  const open = configured.pipelines.filter(({ protects }) => !protects);
  if (open.length > 0) {
    const names = open.map(({ pipeline }) => pipeline).join(", ");
    const sentence = `Plaintext reaches the exporters of these pipelines: ${names}.`;
    return { status: "failed", sentence, section };
  }
  const sentence =
    "In the configuration, personal data is treated before an exporter in each of " +
    `${plural(configured.pipelines.length, "pipeline")}.`;
  return { status: "shown", sentence, section };
}

function budgets({ configured }: Material): Evidence {
  const section = "budgets";
  if (configured === undefined) {
    return {
      status: "unseen",
      sentence: "Privacy budgets were not looked at: that takes -c.",
      section,
    };
  }
  if (configured.budgetProblems.length > 0) {
    const sentence = `${plural(configured.budgetProblems.length, "ledger")} cannot be read.`;
    return { status: "failed", sentence, section };
  }
  const days = configured.budgets.reduce((total, { days: spent }) => total + spent.length, 0);
  if (days === 0) return { status: "none", sentence: "No privacy budget was spent.", section };
  const sentence =
    `The ledgers of ${plural(configured.budgets.length, "data set")} show the privacy budget that ` +
    `${plural(days, "day")} spent.`;
  return { status: "shown", sentence, section };
}

function runs({ collected: { timeline } }: Material): Evidence {
  const section = "agent";
  const count = timeline.runs.length;
  if (count === 0) return { status: "none", sentence: "No start of the agent is logged.", section };
  const sentence = `Each start of the agent is an entry of the log: ${number(count)} listed.`;
  return { status: "shown", sentence, section };
}

function configuration({ collected: { timeline } }: Material): Evidence {
  const section = "agent";
  const stated = timeline.runs.flatMap(({ config }) => (config === undefined ? [] : [config]));
  if (stated.length === 0) {
    const sentence = "No start of the agent states the hash of its configuration.";
    return { status: "unseen", sentence, section };
  }
  const changes = stated.filter((hash, at) => at > 0 && hash !== stated[at - 1]).length;
  const sentence =
    "Each start states the hash of the configuration in force: " +
    `${plural(changes, "change")} in the period.`;
  return { status: "shown", sentence, section };
}

function presence({ collected: { timeline } }: Material): Evidence {
  const section = "agent";
  const told = timeline.silences.filter(({ kind }) => kind === "stopped").length;
  const untold = timeline.silences.length - told;
  if (untold > 0) {
    const sentence =
      `${plural(untold, "time")} the log is silent, or its clock went back, and no start explains ` +
      "it.";
    return { status: "failed", sentence, section };
  }
  const sentence =
    told === 0
      ? "The agent gave a sign of life in every interval in which it undertook to."
      : `The agent was stopped ${plural(told, "time")}, and gave its signs of life otherwise.`;
  return { status: "shown", sentence, section };
}

function ofKind({ collected }: Material, kind: string, one: string, many = `${one}s`): Evidence {
  const group = collected.statements.find((each: StatementGroup) => each.kind === kind);
  const count = group?.count ?? 0;
  const status = count === 0 ? "none" : "shown";
  const counted = count === 0 ? `No ${one}` : plural(count, one, many);
  const sentence = `${counted} on record in the period.`;
  const section = count === 0 ? "statements" : `statements-${kind}`;
  return { status, sentence, section };
}

export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${number(amount)} ${amount === 1 ? one : many}`;
}

/** With a thin space between thousands, the same in every locale. */
export function number(amount: number): string {
  return String(amount).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
