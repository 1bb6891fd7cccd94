/**
 * Access logs to the attributes of the OpenTelemetry semantic conventions. The body stays the line;
 * the time is the request's, and the severity comes from the status code.
 */
import { SeverityNumber } from "@opentelemetry/api";
import type { AccessLogLine } from "./access_log_line.ts";
import { accessLogReader } from "./access_log_line.ts";
import type { AccessLogParserConfig } from "./config.ts";
import { checkedField, readField } from "./field.ts";
import type { Operator, OperatorContext } from "./operator.ts";
import { stepOperator } from "./parser.ts";

export function accessLogParser(config: AccessLogParserConfig, context: OperatorContext): Operator {
  const from = checkedField(config.parse_from);
  const read = accessLogReader(config.format);
  const line: AccessLogLine = { attributes: {}, hrTime: [0, 0], status: 0 };
  return stepOperator(config, context, (entry) => {
    const text = readField(entry, from);
    if (typeof text !== "string" || !read(text, entry.attributes, line)) return false;
    entry.attributes = line.attributes;
    entry.hrTime = line.hrTime;
    if (line.status >= 500) {
      entry.severityNumber = SeverityNumber.ERROR;
      entry.severityText = "ERROR";
    } else if (line.status >= 400) {
      entry.severityNumber = SeverityNumber.WARN;
      entry.severityText = "WARN";
    } else {
      entry.severityNumber = SeverityNumber.INFO;
      entry.severityText = "INFO";
    }
    return true;
  });
}
