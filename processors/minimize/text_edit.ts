/**
 * Replaces parts of a text and keeps the places of findings that are still to be treated right.
 *
 * Invariant: what a remaining finding covers is what it covered before. A finding that an edit
 * touches is gone, together with every character that it covered, so that no part of a value stays
 * without its finding.
 */
import type { Finding } from "../../src/data/finding.ts";

/** UTF-16 offsets `[start, end)`, not empty, and what stands there afterwards. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Edited {
  readonly text: string;
  readonly findings: readonly Finding[];
}

/** `edits` are rising and without overlaps; `findings` are all of this text, in any order. */
export function applyEdits(
  text: string,
  edits: readonly Edit[],
  findings: readonly Finding[],
): Edited {
  const wide = findings.length === 0 ? edits : widenedEdits(edits, findings);
  let edited = "";
  let copied = 0;
  for (const edit of wide) {
    edited += text.slice(copied, edit.start) + edit.text;
    copied = edit.end;
  }
  edited += text.slice(copied);
  return { text: edited, findings: findings.length === 0 ? findings : moved(findings, wide) };
}

interface Cluster {
  start: number;
  end: number;
  text: string;
  hasEdit: boolean;
}

/** Each edit together with the findings that overlap it, and those that overlap these. */
function widenedEdits(edits: readonly Edit[], findings: readonly Finding[]): Edit[] {
  const parts: Cluster[] = [
    ...edits.map(({ start, end, text }) => ({ start, end, text, hasEdit: true })),
    ...findings.map(({ start, end }) => ({ start, end, text: "", hasEdit: false })),
  ];
  parts.sort((a, b) => a.start - b.start);
  const clusters: Cluster[] = [];
  for (const part of parts) {
    const last = clusters.at(-1);
    const isApart = last === undefined || part.start > last.end;
    // Edits that touch become one; a finding beside an edit is no part of it.
    if (isApart || (part.start === last.end && !(part.hasEdit && last.hasEdit))) {
      clusters.push(part);
      continue;
    }
    last.end = Math.max(last.end, part.end);
    // One mark is enough for all that goes together.
    if (!last.hasEdit) last.text = part.text;
    last.hasEdit ||= part.hasEdit;
  }
  return clusters.filter(({ hasEdit }) => hasEdit);
}

/** The findings outside the edits, at their new places. */
function moved(findings: readonly Finding[], edits: readonly Edit[]): Finding[] {
  const rising = [...findings].sort((a, b) => a.start - b.start);
  const kept: Finding[] = [];
  let shift = 0;
  let index = 0;
  for (const finding of rising) {
    for (; index < edits.length && edits[index]!.end <= finding.start; index++) {
      const { start, end, text } = edits[index]!;
      shift += text.length - (end - start);
    }
    const edit = edits[index];
    if (edit !== undefined && edit.start < finding.end) continue;
    kept.push({ ...finding, start: finding.start + shift, end: finding.end + shift });
  }
  return kept;
}
