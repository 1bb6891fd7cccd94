/**
 * Speed of the codec beside protobufjs, in one run: `node src/otlp/testdata/bench.ts`.
 * The records are those of an access log: a 200-byte line and ten attributes.
 */
import { LogRecord } from "../../data/log_record.ts";
import { Resource } from "../../data/resource.ts";
import { decodeLogsJson } from "../decode_json.ts";
import { decodeLogs } from "../decode_logs.ts";
import { toOtlpJson } from "../encode_json.ts";
import { encodeLogsData } from "../encode_logs.ts";
import { encodeSingleRecord, SingleRecordAppender } from "../single_record.ts";
import { lookup } from "./oracle.ts";

const RECORDS = 2_000;
const ROUNDS = 60;

const resource = new Resource({ "service.name": "shop", "host.name": "host-1" });
const instrumentationScope = { name: "file_log", version: "1.0" };
const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36";
const made = Array.from({ length: RECORDS }, (_, index) => {
  const address = `203.0.113.${index % 255}`;
  const request = `GET /products/${index}?ref=home HTTP/1.1`;
  return new LogRecord({
    hrTime: [1_760_000_000 + index, 123_456_789],
    hrTimeObserved: [1_760_000_001 + index, 987_654_321],
    severityNumber: 9,
    severityText: "INFO",
    body: `${address} - - [21/Nov/2026:05:29:00 +0000] "${request}" 200 ${index} "-" "${agent}"`,
    attributes: {
      "client.address": address,
      "http.request.method": "GET",
      "url.path": `/products/${index}`,
      "url.query": "ref=home",
      "http.response.status_code": 200,
      "http.response.body.size": 1000 + index,
      "user_agent.original": agent,
      "network.protocol.version": "1.1",
      "log.file.name": "access.log",
      "http.request.header.referer": "https://shop.example.com/",
    },
    resource,
    instrumentationScope,
  });
});

const LogsData = lookup("LogsData");
const bytes = encodeLogsData(made);
const message = LogsData.decode(bytes);
const { records } = decodeLogs(bytes);
const json = Buffer.from(toOtlpJson(records));
const appender = new SingleRecordAppender();

const cases: Record<string, () => unknown> = {
  "decodeLogs": () => decodeLogs(bytes),
  "protobufjs decode": () => LogsData.decode(bytes),
  "encodeLogsData": () => encodeLogsData(records),
  "protobufjs encode": () => LogsData.encode(message).finish(),
  "SingleRecordAppender.append": () => {
    appender.writer.truncate();
    for (const record of records) appender.append(record);
  },
  "encodeSingleRecord": () => records.forEach(encodeSingleRecord),
  "decodeLogsJson": () => decodeLogsJson(json),
  "toOtlpJson": () => toOtlpJson(records),
};

console.log(`${(bytes.length / RECORDS).toFixed(0)} bytes a record in protobuf; medians`);
for (const [name, run] of Object.entries(cases)) {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS * 1.5; round++) {
    const start = performance.now();
    run();
    if (round >= ROUNDS / 2) times.push(performance.now() - start);
  }
  const median = times.sort((a, b) => a - b)[ROUNDS / 2]!;
  const perSecond = (RECORDS / median / 1000).toFixed(2);
  const each = ((median * 1000) / RECORDS).toFixed(2);
  console.log(`${name.padEnd(28)} ${perSecond} M records/s   ${each} µs each`);
}
