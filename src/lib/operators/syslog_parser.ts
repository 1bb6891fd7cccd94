/** Syslog messages to attributes (or any other field), time and severity. */
import type { AnyValueMap } from "../../data/any_value.ts";
import type { SyslogMessage } from "../syslog/message.ts";
import { severityOf } from "../syslog/message.ts";
import { syslogParser } from "../syslog/parse.ts";
import type { SyslogParserConfig } from "./config.ts";
import { checkedField, readField, writeField } from "./field.ts";
import type { Entry, Operator, OperatorContext } from "./operator.ts";
import { embeddedSteps, stepOperator } from "./parser.ts";

export function syslogOperator(config: SyslogParserConfig, context: OperatorContext): Operator {
  const from = checkedField(config.parse_from);
  const to = checkedField(config.parse_to);
  const after = embeddedSteps(config, context);
  const parse = syslogParser({
    protocol: config.protocol,
    location: config.location,
    allowsMissingPriority: config.allow_skip_pri_header,
    nowMs: context.nowMs,
  });
  return stepOperator(config, context, (entry) => {
    const framed = readField(entry, from);
    const text = typeof framed === "string" ? unframed(config, framed) : undefined;
    const message = text === undefined ? undefined : parse(text);
    if (message === undefined) return false;
    writeField(entry, to, message.fields as AnyValueMap);
    setTimeAndSeverity(entry, message);
    let whole = true;
    for (const step of after) whole = step(entry) && whole;
    return whole;
  });
}

function setTimeAndSeverity(entry: Entry, { time, priority }: SyslogMessage): void {
  if (time !== undefined) entry.hrTime = time;
  if (priority === undefined) return;
  [entry.severityNumber, entry.severityText] = severityOf(priority);
}

/** Without count or trailer (RFC 6587); undefined for a message that is too long to be parsed. */
function unframed(config: SyslogParserConfig, text: string): string | undefined {
  if (config.enable_octet_counting) {
    const count = /^([1-9]\d{0,9}) /.exec(text);
    const rest = text.slice(count?.[0].length ?? 0);
    const size = Buffer.byteLength(rest);
    if (size > config.max_octets) return undefined;
    // A count that is none, because the receiver has taken it away, is part of the message.
    return Number(count?.[1]) === size ? rest : text;
  }
  switch (config.non_transparent_framing_trailer) {
    case "LF":
      return text.endsWith("\n") ? text.slice(0, -1) : text;
    case "NUL":
      return text.endsWith("\0") ? text.slice(0, -1) : text;
    default:
      return text;
  }
}
