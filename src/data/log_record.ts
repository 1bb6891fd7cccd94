/**
 * One log record.
 *
 * Invariant: a record is not changed after its batch was handed on; who wants to change it makes a
 * copy with {@link LogRecord.with}. All fields are plain and always present, so that records share
 * one hidden class and reading a field allocates nothing.
 *
 * It has the shape of `ReadableLogRecord` of `@opentelemetry/sdk-logs`, so that the official
 * exporters take it as it is; see {@link asReadable} for the two value types they lack.
 */
import type { HrTime, SeverityNumber, SpanContext } from "@opentelemetry/api";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { AnyValue, Attributes } from "./any_value.ts";
import { Double, isAnyValueMap } from "./any_value.ts";
import type { CanaryMark } from "./canary.ts";
import type { Finding } from "./finding.ts";
import type { InstrumentationScope } from "./resource.ts";
import { EMPTY_RESOURCE, EMPTY_SCOPE, Resource } from "./resource.ts";
import { TIME_UNKNOWN } from "./time.ts";

/** The fields of a record as a caller gives them; what is left out has OTLP's default. */
export interface LogRecordFields {
  readonly hrTime?: HrTime;
  readonly hrTimeObserved?: HrTime;
  readonly severityNumber?: SeverityNumber | undefined;
  readonly severityText?: string | undefined;
  readonly body?: AnyValue;
  readonly attributes?: Attributes;
  readonly droppedAttributesCount?: number;
  /** `traceId` and `spanId` are lower-case hex, or "" where the record has none. */
  readonly spanContext?: SpanContext | undefined;
  readonly eventName?: string | undefined;
  readonly resource?: Resource;
  readonly instrumentationScope?: InstrumentationScope;
  readonly findings?: readonly Finding[] | undefined;
  readonly canary?: CanaryMark | undefined;
}

export class LogRecord {
  readonly hrTime: HrTime;
  readonly hrTimeObserved: HrTime;
  readonly severityNumber: SeverityNumber | undefined;
  readonly severityText: string | undefined;
  readonly body: AnyValue;
  readonly attributes: Attributes;
  readonly droppedAttributesCount: number;
  readonly spanContext: SpanContext | undefined;
  readonly eventName: string | undefined;
  readonly resource: Resource;
  readonly instrumentationScope: InstrumentationScope;
  /**
   * Personal data that was found and is still to be treated by a later processor. A record that has
   * any is never given to an exporter: the pipeline withholds it.
   */
  readonly findings: readonly Finding[] | undefined;
  /** Set on records that test the protection. They are nobody's, and none reaches an exporter. */
  readonly canary: CanaryMark | undefined;

  constructor(fields: LogRecordFields) {
    this.hrTime = fields.hrTime ?? TIME_UNKNOWN;
    this.hrTimeObserved = fields.hrTimeObserved ?? TIME_UNKNOWN;
    this.severityNumber = fields.severityNumber;
    this.severityText = fields.severityText;
    this.body = fields.body;
    this.attributes = fields.attributes ?? {};
    this.droppedAttributesCount = fields.droppedAttributesCount ?? 0;
    this.spanContext = fields.spanContext;
    this.eventName = fields.eventName;
    this.resource = fields.resource ?? EMPTY_RESOURCE;
    this.instrumentationScope = fields.instrumentationScope ?? EMPTY_SCOPE;
    this.findings = fields.findings;
    this.canary = fields.canary;
  }

  /** A copy in which the body, the attributes and the findings are those given. */
  with(
    body: AnyValue,
    attributes: Attributes,
    findings: readonly Finding[] | undefined = undefined,
  ): LogRecord {
    // A record has all fields, so it can stand for them; no object is made in between.
    const copy: Writable = new LogRecord(this);
    copy.body = body;
    copy.attributes = attributes;
    copy.findings = findings;
    return copy;
  }
}

/** While a copy is made and nobody else knows it. */
type Writable = { -readonly [Field in keyof LogRecord]: LogRecord[Field] };

/** The same objects, typed for the official SDK. Exact for records that {@link isSdkExact}. */
export function asReadable(records: readonly LogRecord[]): ReadableLogRecord[] {
  return records as unknown as ReadableLogRecord[];
}

/**
 * True when the official exporters send this record without loss. They lack `bigint` and
 * {@link Double}, write other numbers beyond 2^53 as integers and NaN and infinities as null, and
 * write no dropped-attribute count of a resource.
 */
export function isSdkExact(record: LogRecord): boolean {
  return (
    isSdkValue(record.body) &&
    isSdkValue(record.attributes) &&
    isSharedSdkExact(record.resource) &&
    isSharedSdkExact(record.instrumentationScope)
  );
}

/** Resources and scopes are shared by many records and never change, so each is looked at once. */
const sharedSdkExact = new WeakMap<Resource | InstrumentationScope, boolean>();

function isSharedSdkExact(shared: Resource | InstrumentationScope): boolean {
  const known = sharedSdkExact.get(shared);
  if (known !== undefined) return known;
  const exact =
    isSdkValue(shared.attributes as Attributes | undefined) &&
    !(shared instanceof Resource && shared.droppedAttributesCount > 0);
  sharedSdkExact.set(shared, exact);
  return exact;
}

function isSdkValue(value: AnyValue): boolean {
  if (typeof value === "number") return isSdkNumber(value);
  if (typeof value === "bigint" || value instanceof Double) return false;
  if (Array.isArray(value)) return value.every(isSdkValue);
  if (!isAnyValueMap(value)) return true;
  for (const key in value) if (!isSdkValue(value[key])) return false;
  return true;
}

function isSdkNumber(value: number): boolean {
  if (Number.isInteger(value)) return Number.isSafeInteger(value) && !Object.is(value, -0);
  return Number.isFinite(value);
}
