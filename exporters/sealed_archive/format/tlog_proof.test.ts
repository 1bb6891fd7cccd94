import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTlogProof, parseTlogProof } from "./tlog_proof.ts";

const HASHES = ["gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=", `${"A".repeat(43)}=`];
/** As the example of the specification is written; its own values are cut short there. */
const EXAMPLE = `c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
${HASHES.join("\n")}

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

\u2014 example.com/fancylog AAAAAAAA
`;

test("the parts of a proof are those of c2sp.org/tlog-proof, and are written back the same", () => {
  const proof = parseTlogProof(EXAMPLE)!;
  assert.equal(proof.extra?.toString(), "age-v1.2.1-darwin-arm64.tar.gz");
  assert.equal(proof.index, 73_894);
  assert.deepEqual(
    proof.path.map((hash) => hash.toString("base64")),
    HASHES,
  );
  assert.ok(proof.checkpoint.startsWith("example.com/fancylog\n109482\n"));
  assert.equal(formatTlogProof(proof), EXAMPLE);
  const bare = EXAMPLE.replace(/extra.*\n/, "");
  assert.equal(parseTlogProof(bare)?.extra, undefined);
  assert.equal(formatTlogProof(parseTlogProof(bare)!), bare);
});

test("any other writing of a proof is refused", () => {
  const long = `${HASHES[1]}\n`.repeat(64);
  for (const [from, to] of [
    ["@v1", "@v2"],
    ["extra ", "extra  "],
    ["Lmd6", "Lmd6="],
    ["index 73894", "index 073894"],
    ["index 73894", "index -1"],
    ["index 73894", "index 9999999999999999"],
    ["index 73894", "at 73894"],
    ["gSKy", "gSK"],
    [HASHES[1]!, HASHES[1]!.replace("A=", "B=")],
    [`${HASHES[1]}\n`, long],
    ["\n\n", "\n"],
    ["\n", "\r\n"],
  ] as const) {
    const changed = from === "\n\n" ? EXAMPLE.replaceAll(from, to) : EXAMPLE.replace(from, to);
    assert.notEqual(changed, EXAMPLE, from);
    assert.equal(parseTlogProof(changed), undefined, `${from} as ${to}`);
  }
});
