/**
 * Hostile bytes for the text protocols, made from a seed: syslog in both framings and both forms,
 * and the Journal Export Format. `npm run fuzz:sources` reads a million.
 *
 * Reading may do two things: give messages (which may be no syslog), or, for the journal, throw an
 * `AgentError`. It keeps no more than its bounds, and gives the same however the bytes are cut.
 */
import { ExportParser } from "../../receivers/journald/export_parser.ts";
import { AgentError } from "../../src/component/errors.ts";
import { Framer } from "../../src/lib/framing/framer.ts";
import { syslogParser } from "../../src/lib/syslog/parse.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";

export interface SourceCounts {
  readonly messages: number;
  readonly understood: number;
  readonly entries: number;
  readonly malformed: number;
}

const SIZE_MAX = 256;
const NOW_MS = Date.UTC(2026, 10, 28);

const SYSLOG = [
  '<165>1 2003-10-11T22:14:15.003Z host app 7 ID47 [a@1 b="c\\"d" e="f"][g] \u{FEFF}message',
  "<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed",
  "58 <13>1 - - - - - - a counted message that is fifty-eight bytes....",
].map((text) => Buffer.from(text));
const JOURNAL = Buffer.concat([
  Buffer.from("__CURSOR=s=1f;i=2;b=3\n__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE\n"),
  Buffer.from("0500000000000000", "hex"),
  Buffer.from("a\nb\xff!\nPRIORITY=6\n\n", "latin1"),
]);
const PIECES = [
  ...["<", ">", "<191>", "1 ", " - ", "[", "]", '="', '"', "\\", "\n", "\0", "\r", ": ", "é"],
  ...["999999999 ", "0 ", "12 ", "\u{FEFF}", "__proto__", "=", "A\n", "\xff\xff\xff\xff"],
].map((text) => Buffer.from(text, "latin1"));

const parsers = (["rfc3164", "rfc5424", "none"] as const).map((protocol) =>
  syslogParser({
    ...{ protocol, location: "UTC", allowsMissingPriority: true },
    nowMs: () => NOW_MS,
  }),
);

/** Throws at the first bytes that are not read as promised. */
export function fuzzSources(seed: string, rounds: number): SourceCounts {
  const counts = { messages: 0, understood: 0, entries: 0, malformed: 0 };
  const below = numbers(seed);
  for (let round = 0; round < rounds; round++) {
    const isJournal = below(4) === 0;
    let bytes: Buffer = isJournal ? JOURNAL : SYSLOG[below(SYSLOG.length)]!;
    for (let change = below(5); change >= 0; change--) bytes = mutate(bytes, below);
    try {
      if (isJournal) readJournal(bytes, below, counts);
      else readSyslog(bytes, below, counts);
    } catch (cause) {
      const message = `round ${round} of seed ${seed}: ${bytes.toString("base64")}`;
      throw new Error(message, { cause });
    }
  }
  return counts;
}

type Below = (limit: number) => number;
type Counts = { -readonly [Name in keyof SourceCounts]: SourceCounts[Name] };

function readSyslog(bytes: Buffer, below: Below, counts: Counts): void {
  const framing = { countsOctets: below(2) === 0, trailer: below(2) * 10, sizeMax: SIZE_MAX };
  const whole = framesOf(new Framer(framing), [bytes]);
  const cut = below(bytes.length + 1);
  const halves = framesOf(new Framer(framing), [bytes.subarray(0, cut), bytes.subarray(cut)]);
  if (whole.join("\n") !== halves.join("\n")) throw new Error("another cut gave other messages");
  for (const frame of whole) {
    if (Buffer.byteLength(frame, "latin1") > SIZE_MAX) throw new Error("a message is too long");
    counts.messages += 1;
    const text = Buffer.from(frame, "latin1").toString("utf8");
    const message = parsers[below(parsers.length)]!(text);
    if (message !== undefined) counts.understood += 1;
    if (message?.priority !== undefined && message.priority > 191) throw new Error("no priority");
  }
}

function framesOf(framer: Framer, pieces: readonly Buffer[]): string[] {
  const frames = pieces.flatMap((piece) => framer.push(Buffer.from(piece)));
  const last = framer.end();
  if (last !== undefined) frames.push(last);
  return frames.map(({ bytes }) => bytes.toString("latin1"));
}

function readJournal(bytes: Buffer, below: Below, counts: Counts): void {
  const parser = new ExportParser(SIZE_MAX);
  const cut = below(bytes.length + 1);
  try {
    for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      counts.entries += parser.push(piece).length;
    }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    counts.malformed += 1;
  }
}

function mutate(bytes: Buffer, below: Below): Buffer {
  const from = below(bytes.length + 1);
  const to = Math.min(bytes.length, from + below(16));
  const [before, middle, after] = [
    bytes.subarray(0, from),
    bytes.subarray(from, to),
    bytes.subarray(to),
  ];
  switch (below(5)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, middle, middle, after]);
    case 2:
      return Buffer.concat([before, PIECES[below(PIECES.length)]!, after]);
    case 3:
      return Buffer.concat([bytes, Buffer.from("\n"), SYSLOG[below(SYSLOG.length)]!]);
    default: {
      const changed = Buffer.from(bytes);
      if (from < changed.length) changed[from] = changed[from]! ^ (1 << below(8));
      return changed;
    }
  }
}

/** Whole numbers below a limit, the same ones for the same seed. */
function numbers(seed: string): Below {
  const random = seededRandom(seed);
  const pool = Buffer.alloc(4096);
  let at = pool.length;
  return (limit) => {
    if (at + 4 > pool.length) {
      random(pool);
      at = 0;
    }
    at += 4;
    return pool.readUInt32LE(at - 4) % limit;
  };
}

if (import.meta.main) {
  const [rounds = "1000000", seed = "sources"] = process.argv.slice(2);
  const counts = fuzzSources(seed, Number(rounds));
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`${JSON.stringify({ rounds: Number(rounds), ...counts, megabytes })}\n`);
}
