/** RFC 5424, section 6: header, structured data, message. */
import type { AnyValueMap } from "../../data/any_value.ts";
import { setOwn } from "../../data/any_value.ts";
import { parseRfc3339 } from "../rfc3339.ts";
import type { SyslogMessage } from "./message.ts";
import { priorityFields } from "./message.ts";

/** More names and values than this in the structured data is no log. */
export const STRUCTURED_VALUES_MAX = 1000;

/** VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID, each followed by a space. */
const HEADER =
  /([1-9]\d{0,2}) (\S{1,40}) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) /y;
/** PRINTUSASCII without `=`, `]`, `"` and the space. */
const NAME = /[!#-<>-\\^-~]{1,32}/y;
const BYTE_ORDER_MARK = "\uFEFF";

/** Undefined for a text that does not follow the RFC behind its priority. */
export function parseRfc5424(
  text: string,
  start: number,
  priority: number | undefined,
): SyslogMessage | undefined {
  HEADER.lastIndex = start;
  const header = HEADER.exec(text);
  if (header === null) return undefined;
  const [, version, timestamp, hostname, appname, procId, msgId] = header;
  const time = timestamp === "-" ? undefined : parseRfc3339(timestamp!);
  if (time === undefined && timestamp !== "-") return undefined;
  const structured = parseStructuredData(text, HEADER.lastIndex);
  if (structured === undefined) return undefined;
  const { end, elements } = structured;
  if (end < text.length && text[end] !== " ") return undefined;
  const fields: AnyValueMap = {};
  const set = (name: string, value: string): void => {
    if (value !== "-") fields[name] = value;
  };
  set("appname", appname!);
  if (priority !== undefined) Object.assign(fields, priorityFields(priority));
  set("hostname", hostname!);
  if (end < text.length) {
    const isMarked = text.startsWith(BYTE_ORDER_MARK, end + 1);
    fields.message = text.slice(end + (isMarked ? 2 : 1));
  }
  set("msg_id", msgId!);
  set("proc_id", procId!);
  if (elements !== undefined) fields.structured_data = elements;
  fields.version = Number(version);
  return { priority, time, fields };
}

interface StructuredData {
  readonly end: number;
  /** By id, then by name; undefined for the nil value. */
  readonly elements: AnyValueMap | undefined;
}

function parseStructuredData(text: string, start: number): StructuredData | undefined {
  if (text[start] === "-") return { end: start + 1, elements: undefined };
  const elements: AnyValueMap = {};
  let at = start;
  let count = 0;
  while (text[at] === "[") {
    const id = matchAt(NAME, text, at + 1);
    // Section 6.3.2: the same id must not stand twice.
    if (id === undefined || Object.hasOwn(elements, id[0])) return undefined;
    const values: AnyValueMap = {};
    setOwn(elements, id[0], values);
    at += 1 + id[0].length;
    for (; text[at] === " "; count++) {
      const name = matchAt(NAME, text, at + 1)?.[0];
      const begin = at + 1 + (name?.length ?? 0) + '="'.length;
      const end = text.startsWith('="', begin - 2) ? valueEnd(text, begin) : -1;
      if (name === undefined || end < 0 || count >= STRUCTURED_VALUES_MAX) return undefined;
      setOwn(values, name, text.slice(begin, end).replace(/\\(["\\\]])/g, "$1"));
      at = end + 1;
    }
    if (text[at++] !== "]" || ++count > STRUCTURED_VALUES_MAX) return undefined;
  }
  return at === start ? undefined : { end: at, elements };
}

/**
 * The index of the closing quote, or -1. `"`, `\` and `]` stand in a value only behind a backslash;
 * other backslashes are themselves (section 6.3.3).
 */
function valueEnd(text: string, begin: number): number {
  for (let at = begin; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
    else if (text[at] === "]") return -1;
  }
  return -1;
}

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text) ?? undefined;
}
