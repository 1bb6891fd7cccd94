/**
 * HTML from template literals.
 *
 * Invariant: every text that is put in is escaped, and shown without characters that cannot be seen;
 * only what `html` made itself goes in as it is. So no name or reason from an archive becomes markup.
 */
import { printable } from "../../lib/printable.ts";

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Piece = string | number | Markup | undefined | readonly Piece[];

export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...pieces.map(escapePiece)));
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapePiece(piece: Piece): string {
  if (piece === undefined) return "";
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === "object") return piece.map(escapePiece).join("");
  return printable(String(piece)).replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Piece;
  /** `number` is set to the right, `code` may be broken anywhere. */
  readonly kind?: "number" | "code";
}

/** Nothing but `empty` when there are no rows. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  empty: string,
): Markup {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  const head = columns.map(({ title, kind }) => html`<th class="${kind}">${title}</th>`);
  const body = rows.map((row) => {
    const cells = columns.map(({ cell, kind }) => html`<td class="${kind}">${cell(row)}</td>`);
    return html`<tr>${cells}</tr>\n`;
  });
  return html`<table><thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table>`;
}
