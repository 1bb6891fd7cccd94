/** What a syslog message says, whichever RFC it follows. */
import type { SeverityNumber } from "@opentelemetry/api";
import type { AnyValueMap } from "../../data/any_value.ts";
import type { HrTime } from "../../data/time.ts";

export interface SyslogMessage {
  /** 0 to 191; undefined where the message begins without one. */
  readonly priority: number | undefined;
  readonly time: HrTime | undefined;
  /** `appname`, `hostname`, `message`, `msg_id`, ... as the Collector names them. */
  readonly fields: AnyValueMap;
}

/** RFC 5424 section 6.2.1: 23 facilities of 8 severities. */
const PRIORITY_MAX = 191;
const PRIORITY = /^<(0|[1-9]\d{0,2})>/;

/** The priority at the beginning of a text, and where the rest begins; undefined: it has none. */
export function priorityOf(text: string): { priority: number; end: number } | undefined {
  const match = PRIORITY.exec(text);
  const priority = Number(match?.[1]);
  return match === null || priority > PRIORITY_MAX ? undefined : { priority, end: match[0].length };
}

const FACILITIES: readonly string[] = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"],
  ...["authpriv", "ftp", "ntp", "security", "console", "cron2"],
  ...["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
];

/** `priority`, `facility` and `facility_text`, as attributes. */
export function priorityFields(priority: number): AnyValueMap {
  const facility = priority >> 3;
  return { priority, facility, facility_text: FACILITIES[facility]! };
}

/** OTel log data model, appendix B: the numbers for the severities of syslog. */
const SEVERITIES: readonly (readonly [SeverityNumber, string])[] = [
  [21, "emerg"],
  [19, "alert"],
  [18, "crit"],
  [17, "err"],
  [13, "warning"],
  [10, "notice"],
  [9, "info"],
  [5, "debug"],
];

export function severityOf(priority: number): readonly [SeverityNumber, string] {
  return SEVERITIES[priority & 7]!;
}
