/** What YAML lets people do by accident or on purpose. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { loadTexts, messagesOf, VALID } from "./testing/load_text.ts";

const traps: Readonly<Record<string, readonly [yaml: string, ...messages: string[]]>> = {
  "a key that stands twice": [
    "receivers:\n  otlp: {}\n  otlp: {}\n",
    "3:3 receivers.otlp: this key stands twice in the same map",
  ],
  "a tab in the indentation": [
    "receivers:\n\totlp:\n",
    "2:1: not valid YAML: a tab in the indentation; YAML wants spaces",
  ],
  "a missing quote": [
    "service: 'x\n",
    "2:1: not valid YAML: a closing quote, bracket, ':' or ',' is missing here",
  ],
  "a second colon": [
    "exporters: debug: {}\n",
    "1:12: not valid YAML: a second ':' on one line; write the value in quotes, or break the line",
  ],
  "a second document": [
    "receivers: {}\n---\nexporters: {}\n",
    "2:1: a second YAML document begins here; only one is read",
  ],
  "a root that is a list": [
    "- receivers\n",
    "1:1: a configuration is a map with sections such as receivers: and service:",
  ],
  "a root that is text": [
    "receivers\n",
    "1:1: a configuration is a map with sections such as receivers: and service:",
  ],
  "an alias without an anchor": [
    "receivers: *nothing\n",
    "1:12 receivers: no anchor of this name stands before this alias",
  ],
  "an alias inside its own anchor": [
    "receivers: &a { otlp: *a }\n",
    "1:23 receivers.otlp: this alias stands inside its own anchor",
  ],
  "a tag": [
    "receivers: !include x.yaml\n",
    "1:12: not valid YAML: tags such as !this are not supported",
  ],
  "a map as a key": ["? { a: 1 }\n: x\n", "1:3: not valid YAML: a key must be text"],
  "a substitution without quotes inside braces": [
    "exporters: { otlp_http: { endpoint: \u0024{env:A} } }\n",
    '1:38: not valid YAML: inside { } and [ ], write "\u0024{...}" in quotes',
  ],
  "a merge key with text": [
    "receivers:\n  <<: text\n",
    "2:7 receivers.<<: the merge key << takes a map or a list of maps",
  ],
};

for (const [name, [yaml, ...messages]] of Object.entries(traps)) {
  test(`tells the place of ${name}`, async () => {
    const lines = (await messagesOf([VALID, yaml])).map((line) => line.replace("b.yaml:", ""));
    assert.deepEqual(lines.slice(0, messages.length), messages);
  });
}

test("an alias bomb of nine levels is refused, quickly", async () => {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 9; level += 1) {
    const aliases = Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ");
    lines.push(`a${level}: &a${level} [${aliases}]`);
  }
  const [message] = await messagesOf(lines.join("\n"));
  assert.match(
    message!,
    /^a\.yaml:\d+:\d+ a4.*: the file has more than 50000 values, aliases included$/,
  );
});

test("nesting without end is refused, in flow and in block style", async () => {
  const flow = `receivers: ${"[".repeat(40)}${"]".repeat(40)}`;
  assert.deepEqual(await messagesOf(flow), [
    "a.yaml:1:44 receivers[0][0][0]: values are nested more than 32 levels deep",
  ]);
  const block = Array.from({ length: 40 }, (_, level) => `${" ".repeat(level)}a:`).join("\n");
  assert.deepEqual(await messagesOf(block), [
    "a.yaml:34:34 a.a.a.a: values are nested more than 32 levels deep",
  ]);
  const [deepest] = await messagesOf("[".repeat(200_000));
  assert.match(deepest!, /values are nested more than 32 levels deep/);
});

test("a file that is not UTF-8 is refused", async () => {
  assert.deepEqual(await messagesOf([Uint8Array.of(0x61, 0xff, 0xfe)]), [
    "a.yaml:1:1: this file is not valid UTF-8 text",
  ]);
});

test("anchors, aliases and merge keys work, and the merging map wins", async () => {
  const { config, diagnostics } = await loadTexts([
    `receivers:
  file_log/a: &base { include: [x], start_at: beginning }
  file_log/b: { <<: *base, include: [y] }
exporters: { debug: }
service: { pipelines: { logs: { receivers: [file_log/a, file_log/b], exporters: [debug] } } }
`,
  ]);
  assert.deepEqual(diagnostics, []);
  const inherited = Object(config?.receivers.get("file_log/b")?.config);
  assert.deepEqual(inherited.include, ["y"]);
  assert.equal(inherited.start_at, "beginning");
});

test("keys of Object.prototype are ordinary keys, and __proto__ is refused", async () => {
  const lines = await messagesOf([
    VALID,
    `exporters:
  debug: { constructor: 1, toString: 2, __proto__: { polluted: 1 } }
  __proto__: {}
  constructor: {}
service: { pipelines: { logs/b: { receivers: [constructor], exporters: [__proto__] } } }
`,
  ]);
  assert.deepEqual(lines, [
    "b.yaml:2:12 exporters.debug.constructor: unknown key",
    "b.yaml:2:28 exporters.debug.toString: unknown key",
    "b.yaml:2:41 exporters.debug.__proto__: this key is not allowed",
    "b.yaml:3:3 exporters.__proto__: this key is not allowed",
    'b.yaml:4:3 exporters.constructor: unknown type of exporter: "constructor"; there are ' +
      "otlp_http, otlphttp, debug",
    "b.yaml:5:47 service.pipelines.logs/b.receivers[0]: there is no receiver with the id constructor",
    "b.yaml:5:73 service.pipelines.logs/b.exporters[0]: is not a component id; expected type or " +
      "type/name; a name is of letters, digits and _ . - with / between its parts",
  ]);
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

/** Every place that is told must be one that an editor can go to. */
async function assertPlacesInside(bytes: Uint8Array): Promise<void> {
  const { config, diagnostics } = await loadTexts([bytes], { env: { A: "1" } });
  assert.ok(config !== undefined || diagnostics.length > 0);
  const lines = new TextDecoder().decode(bytes).split("\n");
  for (const { line, column, excerpt } of diagnostics) {
    assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
    assert.ok(column >= 1 && column <= lines[line - 1]!.length + 1, `column ${column}`);
    assert.ok(excerpt.column >= 1 && excerpt.column <= excerpt.text.length + 1);
  }
}

test("no bytes make the loader throw or point outside of the file", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), assertPlacesInside), {
    numRuns: 300,
  });
});

test("no sequence of YAML pieces makes the loader throw or point outside of the file", async () => {
  const piece = fc.constantFrom(
    ...["receivers: ", "processors: ", "service: ", "exporters: ", "pipelines: ", "logs: "],
    ...["otlp: ", "debug: ", "\n", "\n  ", "\n    ", "\r\n", "\n\t", "- ", "? ", ": ", "{", "}"],
    ...["[", "]", ",", "&a ", "*a ", "<<: ", "!!str ", "!x ", "#", "'", '"', "---", "...", "%YAML"],
    ...["|", ">-", "@", "\\", "~", "true", "1", ".nan", "\u0024{env:A}", "\u0024{env:", "$$"],
    ...["é", "\u{1f600}", "\u0000", "\ufeff", "\u2028"],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), (pieces) =>
      assertPlacesInside(new TextEncoder().encode(pieces.join(""))),
    ),
    { numRuns: 1500 },
  );
});
