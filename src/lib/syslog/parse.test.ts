import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SyslogMessage } from "./message.ts";
import { severityOf } from "./message.ts";
import type { SyslogOptions } from "./parse.ts";
import { syslogParser } from "./parse.ts";
import { STRUCTURED_VALUES_MAX } from "./rfc5424.ts";

const NOW_MS = Date.UTC(2026, 10, 28);

function parse(text: string, options: Partial<SyslogOptions> = {}): SyslogMessage | undefined {
  return syslogParser({
    ...{ protocol: "rfc5424", location: "UTC", allowsMissingPriority: false },
    nowMs: () => NOW_MS,
    ...options,
  })(text);
}
const parse3164 = (text: string, options: Partial<SyslogOptions> = {}) =>
  parse(text, { protocol: "rfc3164", ...options });

const auth = { priority: 34, facility: 4, facility_text: "auth" };
const local4 = { priority: 165, facility: 20, facility_text: "local4" };
const EVENT = '[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]';
const EVENT_FIELDS = {
  "exampleSDID@32473": { iut: "3", eventSource: "Application", eventID: "1011" },
};

/** The examples of RFC 5424, section 6.5. */
const VALID_5424: readonly (readonly [string, object, string])[] = [
  [
    "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \uFEFF'su root' failed for lonvick on /dev/pts/8",
    {
      ...auth,
      ...{ version: 1, hostname: "mymachine.example.com", appname: "su", msg_id: "ID47" },
      message: "'su root' failed for lonvick on /dev/pts/8",
    },
    "2003-10-11T22:14:15.003000000",
  ],
  [
    "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
    {
      ...local4,
      ...{ version: 1, hostname: "192.0.2.1", appname: "myproc", proc_id: "8710" },
      message: "%% It's time to make the do-nuts.",
    },
    "2003-08-24T12:14:15.000003000",
  ],
  [
    `<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 ${EVENT} \uFEFFAn application event log entry...`,
    {
      ...local4,
      ...{ version: 1, hostname: "mymachine.example.com", appname: "evntslog", msg_id: "ID47" },
      structured_data: EVENT_FIELDS,
      message: "An application event log entry...",
    },
    "2003-10-11T22:14:15.003000000",
  ],
  [
    `<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 ${EVENT}[examplePriority@32473 class="high"]`,
    {
      ...local4,
      ...{ version: 1, hostname: "mymachine.example.com", appname: "evntslog", msg_id: "ID47" },
      structured_data: { ...EVENT_FIELDS, "examplePriority@32473": { class: "high" } },
    },
    "2003-10-11T22:14:15.003000000",
  ],
];

function isoTime(message: SyslogMessage | undefined): string {
  const [seconds, nanos] = message!.time!;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${text}.${String(nanos).padStart(9, "0")}`;
}

test("the examples of RFC 5424 are understood", () => {
  for (const [text, fields, time] of VALID_5424) {
    const message = parse(text);
    assert.deepEqual(message?.fields, fields);
    assert.equal(isoTime(message), time);
  }
});

test("nil values are left out, and values of structured data are unescaped", () => {
  assert.deepEqual(parse("<0>1 - - - - - -"), {
    ...{ priority: 0, time: undefined },
    fields: { priority: 0, facility: 0, facility_text: "kern", version: 1 },
  });
  const escaped = parse('<0>1 - - - - - [a b="\\"\\\\\\]\\n" b2=""] m');
  assert.deepEqual(escaped?.fields.structured_data, { a: { b: '"\\]\\n', b2: "" } });
  const prototype = parse('<0>1 - - - - - [__proto__ toString="1"] m');
  const data = prototype?.fields.structured_data as object;
  assert.deepEqual(Object.keys(data), ["__proto__"]);
});

/** RFC 5424, section 6.5, "invalid" TIMESTAMP examples of 6.2.3.1, and broken structured data. */
const INVALID_5424: readonly string[] = [
  "<165>1 2003-08-24T05:14:15.000000003-0700 192.0.2.1 myproc - - - m",
  "<192>1 - - - - - - m",
  "<01>1 - - - - - - m",
  "<1>0 - - - - - - m",
  "<1>1 yesterday - - - - - m",
  "<1>1 - - - - - m",
  "1 - - - - - - m",
  ...['[a b="c]"]', '[a b="c"', "[a b=c]", "[a ]", "[]", '[ b="c"]', '[a b="c"] [a', "[a][a]"].map(
    (data) => `<1>1 - - - - - ${data}`,
  ),
  `<1>1 - - - - - [a${' b="c"'.repeat(STRUCTURED_VALUES_MAX + 1)}] m`,
];

test("what RFC 5424 forbids is not understood", () => {
  for (const text of INVALID_5424) {
    // A second element behind a space is no structured data but the message.
    if (text.includes("] [a")) assert.equal(parse(text)?.fields.message, "[a");
    else assert.equal(parse(text), undefined, text.slice(0, 60));
  }
});

const VALID_3164: readonly (readonly [string, object, string])[] = [
  // RFC 3164, section 5.4, examples 1 and 2.
  [
    "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
    {
      ...auth,
      ...{ hostname: "mymachine", appname: "su" },
      message: "'su root' failed for lonvick on /dev/pts/8",
    },
    "2026-10-11T22:14:15.000000000",
  ],
  [
    "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
    {
      ...{ priority: 13, facility: 1, facility_text: "user", hostname: "10.0.0.99" },
      message: "Use the BFG!",
    },
    "2026-02-05T17:32:18.000000000",
  ],
  [
    "<86>Dec 31 23:59:58 2001:db8::1 sshd[4721]: Accepted",
    {
      ...{ priority: 86, facility: 10, facility_text: "authpriv", hostname: "2001:db8::1" },
      ...{ appname: "sshd", proc_id: "4721", message: "Accepted" },
    },
    "2025-12-31T23:59:58.000000000",
  ],
  [
    "<30>2026-11-28T06:25:00.123456+01:00 host app[1]: rsyslog's time",
    {
      ...{ priority: 30, facility: 3, facility_text: "daemon", hostname: "host" },
      ...{ appname: "app", proc_id: "1", message: "rsyslog's time" },
    },
    "2026-11-28T05:25:00.123456000",
  ],
  [
    "<6>Nov 27 01:02:03 kernel: no host, as on a local socket",
    {
      ...{ priority: 6, facility: 0, facility_text: "kern", appname: "kernel" },
      message: "no host, as on a local socket",
    },
    "2026-11-27T01:02:03.000000000",
  ],
];

test("messages in the manner of RFC 3164 are understood", () => {
  for (const [text, fields, time] of VALID_3164) {
    const message = parse3164(text);
    assert.deepEqual(message?.fields, fields);
    assert.equal(isoTime(message), time);
  }
  const detroit = parse3164("<34>Oct 11 22:14:15 a b: c", { location: "America/Detroit" });
  assert.equal(isoTime(detroit), "2026-10-12T02:14:15.000000000");
  for (const text of [
    "",
    "<34>",
    "<34>no time",
    "Oct 11 22:14:15 a b: c",
    "<999>Oct 11 22:14:15 a",
  ]) {
    assert.equal(parse3164(text), undefined, text);
  }
});

test("a priority may be missing where that is allowed", () => {
  const allowed = { allowsMissingPriority: true };
  assert.deepEqual(parse3164("Oct 11 22:14:15 a b: c", allowed)?.fields, {
    ...{ hostname: "a", appname: "b", message: "c" },
  });
  assert.equal(parse("1 - - app - - - m", allowed)?.priority, undefined);
  assert.equal(parse("<999>1 - - app - - - m", allowed), undefined);
});

test("without a protocol the text behind the priority is the message", () => {
  const none = { protocol: "none" } as const;
  assert.deepEqual(parse("<34>my raw message", none)?.fields, {
    ...auth,
    message: "my raw message",
  });
  assert.deepEqual(parse("my raw message", none)?.fields, { message: "my raw message" });
});

test("severities have the numbers of the OTel log data model", () => {
  const numbers = Array.from({ length: 8 }, (_, severity) => severityOf(severity)[0]);
  assert.deepEqual(numbers, [21, 19, 18, 17, 13, 10, 9, 5]);
});

test("any text gives a message or none, and never an error", () => {
  const pieces = fc.constantFrom(
    ...[
      "<34>",
      "1 ",
      "- ",
      "[a",
      ' b="',
      '"]',
      "\\",
      "]",
      " ",
      "Oct 11 22:14:15 ",
      "host ",
      "x[1]: ",
    ],
    ...["\0", "\uFEFF", "é", "2003-10-11T22:14:15.003Z ", "9999999999"],
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 20 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, fc.constantFrom("rfc3164", "rfc5424", "none"), (input, protocol) => {
      const message = parse(input, { protocol: protocol as SyslogOptions["protocol"] });
      if (message === undefined) return;
      assert.ok(message.priority! <= 191 || message.priority === undefined);
    }),
    { numRuns: 2000 },
  );
});
