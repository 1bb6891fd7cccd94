/**
 * What is wrong with a configuration: everything at once, each with its place.
 *
 * Invariant: a message names keys, ids, options and the kinds of values, never a value.
 */
import { styleText } from "node:util";
import type { Excerpt } from "./excerpt.ts";
import { excerptOf } from "./excerpt.ts";
import type { Path } from "./node.ts";
import { formatPath } from "./node.ts";
import type { Place } from "./source.ts";
import { positionOf } from "./source.ts";

export type Severity = "error" | "warning";

export interface Diagnostic {
  readonly severity: Severity;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Dotted keys from the root of the configuration; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly suggestion?: string;
  readonly excerpt: Excerpt;
}

export interface DiagnosticDetails {
  readonly suggestion?: string | undefined;
  /** The value at the place is an id or a mistyped option, and may be shown in the excerpt. */
  readonly showIdentifier?: boolean;
}

const DIAGNOSTICS_MAX = 100;

/** Collects diagnostics; each place and message once. */
export class Problems {
  readonly #found = new Map<string, { diagnostic: Diagnostic; fileIndex: number }>();
  #hasErrors = false;

  error(place: Place, path: Path, message: string, details: DiagnosticDetails = {}): void {
    this.#add("error", place, path, message, details);
  }

  warning(place: Place, path: Path, message: string, details: DiagnosticDetails = {}): void {
    this.#add("warning", place, path, message, details);
  }

  get hasErrors(): boolean {
    return this.#hasErrors;
  }

  /** Ordered by file and place. */
  list(): Diagnostic[] {
    return [...this.#found.values()]
      .sort(
        (a, b) =>
          a.fileIndex - b.fileIndex ||
          a.diagnostic.line - b.diagnostic.line ||
          a.diagnostic.column - b.diagnostic.column,
      )
      .map(({ diagnostic }) => diagnostic);
  }

  #add(
    severity: Severity,
    place: Place,
    path: Path,
    message: string,
    { suggestion, showIdentifier = false }: DiagnosticDetails,
  ): void {
    if (severity === "error") this.#hasErrors = true;
    if (this.#found.size === DIAGNOSTICS_MAX) return;
    const keyPath = formatPath(path);
    const key = `${place.source.index}:${place.offset}:${keyPath}:${message}`;
    if (this.#found.has(key)) return;
    const isLast = this.#found.size === DIAGNOSTICS_MAX - 1;
    const diagnostic: Diagnostic = {
      severity,
      file: place.source.path,
      ...positionOf(place),
      path: keyPath,
      message: isLast ? `${message} (there is more, not shown)` : message,
      ...(suggestion === undefined ? {} : { suggestion }),
      excerpt: excerptOf(place, showIdentifier),
    };
    this.#found.set(key, { diagnostic, fileIndex: place.source.index });
  }
}

/** One line: `file:line:col key.path: message; did you mean "x"?`. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { severity, file, line, column, path, message, suggestion } = diagnostic;
  const subject = path === "" ? "" : ` ${path}`;
  const level = severity === "warning" ? "warning: " : "";
  const hint = suggestion === undefined ? "" : `; did you mean "${suggestion}"?`;
  return `${file}:${line}:${column}${subject}: ${level}${message}${hint}`;
}

/** For a person: each diagnostic with the line it speaks of and a caret under the place. */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  { color }: { color: boolean },
): string {
  let text = "";
  for (const diagnostic of diagnostics) {
    const tint = diagnostic.severity === "error" ? "red" : "yellow";
    const paint = (style: "dim" | "bold" | "red" | "yellow", part: string): string =>
      color ? styleText(style, part, { validateStream: false }) : part;
    text += `${paint("bold", formatDiagnostic(diagnostic))}\n`;
    const { text: line, column } = diagnostic.excerpt;
    if (line.trim() === "") continue;
    const margin = String(diagnostic.line).padStart(5);
    text += `${paint("dim", `${margin} |`)} ${line}\n`;
    text += `${paint("dim", "      |")} ${" ".repeat(column - 1)}${paint(tint, "^")}\n`;
  }
  return text;
}
