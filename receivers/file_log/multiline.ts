/** Where logs of several lines begin and end in a text, by a pattern, as the Collector does it. */

import { compileGoRegex } from "../../src/lib/operators/go_regex.ts";
import type { FileLogConfig } from "./config.ts";

export interface LogSpan {
  /** The log's text is `[from, to)`; the next log begins at `next`. */
  readonly from: number;
  readonly to: number;
  readonly next: number;
}

/**
 * Finds the logs that are whole. `isLast`: nothing follows this text, so its rest is a log too.
 */
export type LogFinder = (text: string, isLast: boolean) => LogSpan[];

export function multilineFinder(config: NonNullable<FileLogConfig["multiline"]>): LogFinder {
  const { line_start_pattern: start, line_end_pattern: end, omit_pattern: omit } = config;
  // The Collector compiles these with (?m): ^ and $ match at every line.
  const pattern = compileGoRegex(start ?? end!, "gm");
  return start === undefined ? findByEnd(pattern, omit) : findByStart(pattern, omit);
}

function findByStart(pattern: RegExp, omit: boolean): LogFinder {
  return (text, isLast) => {
    const spans: LogSpan[] = [];
    let begin = 0;
    let from = 0;
    for (const match of text.matchAll(pattern)) {
      const matchEnd = match.index + match[0].length;
      // At the very end of the text the match might become another one with the next bytes.
      if (matchEnd === text.length && !isLast) break;
      // What stands before the first beginning (in a log read from its middle) is a log as well.
      if (match.index > begin) spans.push({ from, to: match.index, next: match.index });
      begin = match.index;
      from = omit ? matchEnd : match.index;
    }
    if (isLast && begin < text.length) spans.push({ from, to: text.length, next: text.length });
    return spans;
  };
}

function findByEnd(pattern: RegExp, omit: boolean): LogFinder {
  return (text, isLast) => {
    const spans: LogSpan[] = [];
    let begin = 0;
    for (const match of text.matchAll(pattern)) {
      const matchEnd = match.index + match[0].length;
      if (matchEnd === begin || (matchEnd === text.length && !isLast)) continue;
      spans.push({ from: begin, to: omit ? match.index : matchEnd, next: matchEnd });
      begin = matchEnd;
    }
    if (isLast && begin < text.length) {
      spans.push({ from: begin, to: text.length, next: text.length });
    }
    return spans;
  };
}
