/**
 * RFC 3164, section 4, as senders really write it: the RFC describes what was seen, and binds
 * nobody. The host may be missing (as on a local socket), and the time may be that of RFC 3339.
 */
import type { AnyValueMap } from "../../data/any_value.ts";
import type { HrTime } from "../../data/time.ts";
import { compileStrptime } from "../operators/time_layout.ts";
import { timeReader } from "../operators/timestamp.ts";
import { parseRfc3339 } from "../rfc3339.ts";
import type { SyslogMessage } from "./message.ts";
import { priorityFields } from "./message.ts";

/** `Oct  1 22:14:15 `, or a time stamp of RFC 3339. */
const TIME = /([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{4}-\d\d-\d\dT\S{9,25}) /y;
const HOSTNAME = /([!-9;-~][!-~]{0,254}) /y;
/** `su:`, `sshd[4721]:`; longer ones than the 32 characters of the RFC are common. */
const TAG = /([^\s:[\]]{1,128})(?:\[([^\]\s]{1,128})\])?: ?/y;
/** Where a host may stand instead; that of IPv6 holds colons. */
const SURE_TAG = /([^\s:[\]]{1,128})(?:\[([^\]\s]{1,128})\]: ?|: )/y;

type Read3164 = (
  text: string,
  start: number,
  priority: number | undefined,
) => SyslogMessage | undefined;

/** @param location zone of the times, which name none, nor a year. */
export function rfc3164Reader(location: string, nowMs: () => number): Read3164 {
  const readTime = timeReader(compileStrptime("%b %e %H:%M:%S")!, location, nowMs);
  return (text, start, priority) => {
    TIME.lastIndex = start;
    const written = TIME.exec(text)?.[1];
    if (written === undefined) return undefined;
    const time = /^\d/.test(written) ? parseRfc3339(written) : readTime(written);
    return time && readRest(text, TIME.lastIndex, priority, time);
  };
}

function readRest(
  text: string,
  start: number,
  priority: number | undefined,
  time: HrTime,
): SyslogMessage {
  let at = start;
  let tag = matchAt(SURE_TAG, text, at);
  let hostname: string | undefined;
  if (tag === undefined) {
    HOSTNAME.lastIndex = at;
    hostname = HOSTNAME.exec(text)?.[1];
    if (hostname !== undefined) at = HOSTNAME.lastIndex;
    // A tag ends with a colon; without one the text is all message.
    tag = matchAt(TAG, text, at);
  }
  const fields: AnyValueMap = {};
  if (tag !== undefined) {
    const [whole, appname, procId] = tag;
    at += whole.length;
    fields.appname = appname!;
    if (procId !== undefined) fields.proc_id = procId;
  }
  if (priority !== undefined) Object.assign(fields, priorityFields(priority));
  if (hostname !== undefined) fields.hostname = hostname;
  fields.message = text.slice(at);
  return { priority, time, fields };
}

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text) ?? undefined;
}
