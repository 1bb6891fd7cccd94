/**
 * An entry of the journal to what a record begins with, in one of the Collector's two forms: all
 * fields in the body, or the message in the body and the others as attributes.
 */
import { isUtf8 } from "node:buffer";
import type { AnyValue, AnyValueMap, Attributes } from "../../src/data/any_value.ts";
import { setOwn } from "../../src/data/any_value.ts";
import type { HrTime } from "../../src/data/time.ts";
import { TIME_UNKNOWN } from "../../src/data/time.ts";
import type { GivenEntry } from "../../src/lib/operators/entry_stream.ts";
import { severityOf } from "../../src/lib/syslog/message.ts";
import type { JournaldConfig } from "./config.ts";
import type { JournalEntry } from "./export_parser.ts";

const TIME = "__REALTIME_TIMESTAMP";
const ATTRIBUTES: Readonly<Record<string, string>> = {
  CODE_FILE: "code.file.path",
  CODE_FUNC: "code.function.name",
  CODE_LINE: "code.line.number",
  TID: "thread.id",
  SYSLOG_FACILITY: "syslog.facility.code",
  SYSLOG_IDENTIFIER: "syslog.msgid",
  SYSLOG_PID: "syslog.pid",
};
const RESOURCE: Readonly<Record<string, string>> = {
  _HOSTNAME: "host.name",
  _PID: "process.pid",
  _COMM: "process.command",
  _EXE: "process.executable.path",
  _CMDLINE: "process.command_line",
};
const NUMBERS = new Set(["CODE_LINE", "TID", "SYSLOG_FACILITY", "SYSLOG_PID", "_PID"]);

type Wanted = Pick<
  JournaldConfig,
  "attributes" | "resource" | "convert_message_bytes" | "convert_to_semantic_conventions"
>;

export function givenEntry(entry: JournalEntry, wanted: Wanted): GivenEntry {
  const values = valuesOf(entry, wanted.convert_message_bytes);
  const priority = values.PRIORITY;
  const given = {
    hrTime: timeOf(values[TIME]),
    ...(typeof priority === "string" && /^[0-7]$/.test(priority) && severityFields(priority)),
  };
  delete values[TIME];
  if (!wanted.convert_to_semantic_conventions) return { ...given, body: values };
  const { MESSAGE: body, PRIORITY: _, ...others } = values;
  const attributes: Attributes = { ...wanted.attributes };
  const resource: Attributes = { ...wanted.resource };
  for (const [name, value] of Object.entries(others)) {
    const target = RESOURCE[name] === undefined ? attributes : resource;
    const key = RESOURCE[name] ?? ATTRIBUTES[name] ?? `journald.${name}`;
    target[key] = NUMBERS.has(name) ? numberOf(value) : value;
  }
  return { ...given, body, attributes, resource };
}

/** The text of a field that every entry has; undefined: it has not. */
export function textField(entry: JournalEntry, name: string): string | undefined {
  return entry.fields.find(([field]) => field === name)?.[1].toString("latin1");
}

/** By name; a field that comes several times is a list. */
function valuesOf({ fields }: JournalEntry, convertsMessage: boolean): AnyValueMap {
  const values: AnyValueMap = {};
  for (const [name, bytes] of fields) {
    const isText = isUtf8(bytes) || (convertsMessage && name === "MESSAGE");
    const value = isText ? bytes.toString("utf8") : new Uint8Array(bytes);
    const before = values[name];
    if (before === undefined) setOwn(values, name, value);
    else if (Array.isArray(before)) before.push(value);
    else values[name] = [before, value];
  }
  return values;
}

function timeOf(value: AnyValue): HrTime {
  if (typeof value !== "string" || !/^\d{1,16}$/.test(value)) return TIME_UNKNOWN;
  const micros = Number(value);
  const seconds = Math.floor(micros / 1e6);
  return [seconds, (micros - seconds * 1e6) * 1000];
}

function severityFields(priority: string): Pick<GivenEntry, "severityNumber" | "severityText"> {
  const [severityNumber, severityText] = severityOf(Number(priority));
  return { severityNumber, severityText };
}

function numberOf(value: AnyValue): AnyValue {
  return typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}
