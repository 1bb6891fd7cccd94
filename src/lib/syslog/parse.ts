/** Text to a syslog message, by the protocol that is configured. */
import type { SyslogMessage } from "./message.ts";
import { priorityFields, priorityOf } from "./message.ts";
import { rfc3164Reader } from "./rfc3164.ts";
import { parseRfc5424 } from "./rfc5424.ts";

export const SYSLOG_PROTOCOLS = ["rfc3164", "rfc5424", "none"] as const;
export type SyslogProtocol = (typeof SYSLOG_PROTOCOLS)[number];

export interface SyslogOptions {
  readonly protocol: SyslogProtocol;
  /** Zone of RFC 3164's times. */
  readonly location: string;
  readonly allowsMissingPriority: boolean;
  readonly nowMs: () => number;
}

/** Gives the function from a text to its message; undefined for a text that is none. */
export function syslogParser(options: SyslogOptions): (text: string) => SyslogMessage | undefined {
  const { protocol, location, allowsMissingPriority, nowMs } = options;
  const read = protocol === "rfc3164" ? rfc3164Reader(location, nowMs) : parseRfc5424;
  return (text) => {
    const found = priorityOf(text);
    const start = found?.end ?? 0;
    const priority = found?.priority;
    if (protocol === "none") {
      const fields = { ...(priority !== undefined && priorityFields(priority)) };
      return { priority, time: undefined, fields: { ...fields, message: text.slice(start) } };
    }
    if (priority === undefined && (!allowsMissingPriority || text.startsWith("<"))) {
      return undefined;
    }
    return read(text, start, priority);
  };
}
