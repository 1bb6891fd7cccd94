/**
 * One record of each kind, as applications log such values: in a sentence, and in an attribute.
 *
 * Invariant: whatever the detector finds by a name beside the value has that name beside it here.
 */
import { SeverityNumber } from "@opentelemetry/api-logs";
import type { CanaryMark } from "../../src/data/canary.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { hrTimeFromUnixNano } from "../../src/data/time.ts";
import type { CanaryKind, CanaryValues } from "../../src/lib/canary_values.ts";

interface Form {
  readonly sentence: (value: string) => string;
  readonly attribute: string;
}

const FORMS: Readonly<Record<CanaryKind, Form>> = {
  email: { sentence: (value) => `message sent to ${value} after 2 tries`, attribute: "user.email" },
  payment_card: {
    sentence: (value) => `paid with card ${value.replace(/(.{4})(?=.)/g, "$1 ")} (ok)`,
    attribute: "payment.card",
  },
  iban: { sentence: (value) => `transfer to ${value} accepted`, attribute: "payment.iban" },
  phone: { sentence: (value) => `code sent to ${value}`, attribute: "user.phone" },
  secret: { sentence: (value) => `retry with password=${value} failed`, attribute: "password" },
  api_key: { sentence: (value) => `using key ${value}`, attribute: "aws.key" },
};

export function canaryRecord(
  kind: CanaryKind,
  values: CanaryValues,
  nowUnixNano: bigint,
  mark: CanaryMark,
): LogRecord {
  const { sentence, attribute } = FORMS[kind];
  const time = hrTimeFromUnixNano(nowUnixNano);
  return new LogRecord({
    hrTime: time,
    hrTimeObserved: time,
    severityNumber: SeverityNumber.INFO,
    severityText: "INFO",
    body: sentence(values[kind]),
    attributes: { [attribute]: values[kind], request: { [attribute]: values[kind] } },
    canary: mark,
  });
}
