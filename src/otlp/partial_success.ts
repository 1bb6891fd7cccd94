/**
 * How many records the backend refused although it took the request
 * (`ExportLogsServiceResponse.partial_success`, and that of metrics; OTLP specification, "Partial Success").
 *
 * Invariant: only the count is read. The message beside it may quote the records.
 */
import { ProtobufReader } from "./protobuf_reader.ts";

const MESSAGE = 2;
const VARINT = 0;
const PARTIAL_SUCCESS = (1 << 3) | MESSAGE;
const REJECTED_LOG_RECORDS = (1 << 3) | VARINT;

/** 0 also for an answer that cannot be read: the status code already said that it was taken. */
export function rejectedRecords(body: Buffer, contentType: string): number {
  if (body.length === 0) return 0;
  try {
    return contentType.startsWith("application/json") ? fromJson(body) : fromProtobuf(body);
  } catch {
    return 0;
  }
}

function fromJson(body: Buffer): number {
  const partial = JSON.parse(body.toString()).partialSuccess;
  const count = Number(partial?.rejectedLogRecords ?? partial?.rejectedDataPoints ?? 0);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function fromProtobuf(body: Buffer): number {
  const reader = new ProtobufReader(body);
  let count = 0;
  let end = body.length;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === PARTIAL_SUCCESS && end === body.length) {
      // The response has this one field; reading on inside of it needs no stack.
      end = reader.delimited(end);
    } else if (tag === REJECTED_LOG_RECORDS) {
      count = Number(reader.int64());
    } else {
      reader.skip(tag, end, 0);
    }
  }
  return Math.max(count, 0);
}
