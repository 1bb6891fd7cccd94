/**
 * Hostile OTLP bodies, made from a seed: real messages with flipped, cut, repeated and inserted
 * bytes, and JSON with its tokens changed. `npm run fuzz:otlp` decodes a million.
 *
 * A decoder may do two things: give records, or throw an `AgentError` that says it is not OTLP.
 */
import { AgentError } from "../../src/component/errors.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { decodeLogsJson } from "../../src/otlp/decode_json.ts";
import { decodeLogs } from "../../src/otlp/decode_logs.ts";
import { toOtlpJson } from "../../src/otlp/encode_json.ts";
import { encodeLogsData } from "../../src/otlp/encode_logs.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";

export interface HostileBody {
  readonly json: boolean;
  readonly body: Buffer;
}

export interface FuzzCounts {
  readonly decoded: number;
  readonly refused: number;
  /** Records that came out, refused ones not counted. */
  readonly records: number;
}

/** What JSON parsers and length fields stumble over. */
const TOKENS = ["{", "}", "[", "]", '"', ",", ":", "null", "-0", "1e999", "\\ud800", "\u0000"];
const WORDS = [
  "NaN",
  "9223372036854775808",
  "__proto__",
  "intValue",
  "\\u0000",
  "true",
  "[".repeat(99),
];
const VARINTS = [
  Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
  Buffer.from("ffffffffffffffffff01", "hex"),
  Buffer.from([0x0a, 0x80, 0x80, 0x80, 0x80, 0x10]),
];

const seeds: readonly LogRecord[][] = [
  [new LogRecord({ body: "a line", hrTime: [1, 2] })],
  [
    new LogRecord({
      body: { a: [1, 2n ** 60n, 1.5, null, true, new Uint8Array([0, 255])], "": { b: "ä😀" } },
      attributes: { "http.route": "/x", n: 7 },
      severityNumber: 9,
      severityText: "INFO",
    }),
    new LogRecord({ body: "second" }),
  ],
];
const protobuf = seeds.map((records) => Buffer.from(encodeLogsData(records)));
const json = seeds.map((records) => Buffer.from(toOtlpJson(records)));

/** Endless; the same seed gives the same bodies. */
export function* hostileBodies(seed: string): Generator<HostileBody> {
  const random = seededRandom(seed);
  const pool = Buffer.alloc(4096);
  let at = pool.length;
  /** A whole number below `limit`. */
  const below = (limit: number): number => {
    if (at + 4 > pool.length) {
      random(pool);
      at = 0;
    }
    at += 4;
    return pool.readUInt32LE(at - 4) % limit;
  };
  for (;;) {
    const isJson = below(2) === 1;
    const samples = isJson ? json : protobuf;
    let body: Buffer = Buffer.from(samples[below(samples.length)]!);
    for (let change = below(4); change >= 0; change--) body = mutate(body, isJson, below);
    yield { json: isJson, body };
  }
}

function mutate(body: Buffer, isJson: boolean, below: (limit: number) => number): Buffer {
  const from = below(body.length + 1);
  const to = Math.min(body.length, from + below(16));
  const [before, middle, after] = [
    body.subarray(0, from),
    body.subarray(from, to),
    body.subarray(to),
  ];
  switch (below(6)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, middle, middle, after]);
    case 2:
      return before.length > 0 ? Buffer.from(before) : body;
    case 3: {
      const words = isJson ? [...TOKENS, ...WORDS].map((word) => Buffer.from(word)) : VARINTS;
      return Buffer.concat([before, words[below(words.length)]!, after]);
    }
    default: {
      if (from < body.length) body[from] = body[from]! ^ (1 << below(8));
      return body;
    }
  }
}

/** Throws at the first body that a decoder fails over in any other way than by saying so. */
export function fuzzDecoders(seed: string, bodies: number): FuzzCounts {
  const counts = { decoded: 0, refused: 0, records: 0 };
  let index = 0;
  for (const { json: isJson, body } of hostileBodies(seed)) {
    if (index++ === bodies) break;
    try {
      const { records } = isJson ? decodeLogsJson(body) : decodeLogs(body);
      counts.decoded += 1;
      counts.records += records.length;
    } catch (cause) {
      if (!(cause instanceof AgentError) || !cause.permanent) {
        const message = `body ${index - 1} of seed ${seed}: ${body.toString("base64")}`;
        throw new Error(message, { cause });
      }
      counts.refused += 1;
    }
  }
  return counts;
}

if (import.meta.main) {
  const [bodies = "1000000", seed = "otlp"] = process.argv.slice(2);
  const counts = fuzzDecoders(seed, Number(bodies));
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`${JSON.stringify({ bodies: Number(bodies), ...counts, megabytes })}\n`);
}
