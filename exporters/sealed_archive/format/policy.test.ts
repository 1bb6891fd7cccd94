import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCheckpoint } from "./checkpoint.ts";
import { COSIGNING_KEY, cosign, openCosignature, parseCosigningKey } from "./cosignature.ts";
import { encodeSigningKey, openNote, parseSigningKey, signNote } from "./note.ts";
import { judgeNote, parsePolicy } from "./policy.ts";

const log = parseSigningKey(encodeSigningKey("example.com/log", Buffer.alloc(32, 9)));
const checkpoint = formatCheckpoint({ origin: log.verifier.name, size: 7, root: Buffer.alloc(32) });
const note = signNote(checkpoint, log);

function witness(number: number) {
  const name = `witness${number}.example`;
  return parseCosigningKey(encodeSigningKey(name, Buffer.alloc(32, number), COSIGNING_KEY));
}

const WITNESSES = [1, 2, 3, 4, 5, 6].map(witness);
const [x1, x2, x3, y1] = WITNESSES.map(({ verifier }) => verifier.vkey);

/** The example of the specification. */
const EXAMPLE = `log ${log.verifier.vkey}

${WITNESSES.slice(0, 3)
  .map(({ verifier }, at) => `witness X${at + 1} ${verifier.vkey}`)
  .join("\n")}
group X-witnesses 2 X1 X2 X3

${WITNESSES.slice(3)
  .map(({ verifier }, at) => `\twitness  Y${at + 1} ${verifier.vkey} https://y.example/`)
  .join("\n")}
group Y-witnesses any Y1 Y2 Y3
  # both
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

const cosigned = (...by: readonly (readonly [number, number])[]): string =>
  note + by.map(([number, timeS]) => cosign(checkpoint, WITNESSES[number - 1]!, timeS)).join("");

/** The cosignature in the example of c2sp.org/tlog-cosignature, whose key is not published. */
const PUBLISHED =
  "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIU" +
  "BkBIfZ+qnA==";

test("a cosignature has the time where the specification's example has it", () => {
  const line = cosign(checkpoint, WITNESSES[0]!, 1_679_315_147);
  const [ours, published] = [line.split(" ")[2]!, PUBLISHED].map((text) =>
    Buffer.from(text, "base64"),
  ) as [Buffer, Buffer];
  assert.equal(ours.length, published.length);
  assert.deepEqual(ours.subarray(4, 12), published.subarray(4, 12));
});

test("a cosignature holds for its checkpoint, key and time alone", () => {
  const [one, two] = WITNESSES as [(typeof WITNESSES)[0], (typeof WITNESSES)[0]];
  const signed = cosigned([1, 1_700_000_000]);
  assert.deepEqual(openCosignature(signed, one.verifier), {
    status: "valid",
    timeS: 1_700_000_000,
  });
  assert.deepEqual(openCosignature(signed, two.verifier), { status: "absent" });
  assert.equal(openNote(signed, log.verifier).status, "valid");
  const elsewhere = signed.replace("example.com/log", "example.com/other");
  assert.deepEqual(openCosignature(elsewhere, one.verifier), { status: "forged" });
  const line = signed.split("\n").at(-2)!;
  for (let at = 0; at < line.length; at++) {
    const changed = line.slice(0, at) + (line[at] === "a" ? "b" : "a") + line.slice(at + 1);
    const opened = openCosignature(signed.replace(line, changed), one.verifier);
    assert.notEqual(opened.status, "valid", `character ${at}`);
  }
  const later = signed + cosign(checkpoint, one, 1_700_000_100);
  assert.deepEqual(openCosignature(later, one.verifier), { status: "valid", timeS: 1_700_000_100 });
});

test("the quorum of the specification's example is two of X and one of Y", () => {
  const policy = parsePolicy(EXAMPLE);
  assert.deepEqual(
    policy.logs.map(({ vkey }) => vkey),
    [log.verifier.vkey],
  );
  const judge = (...by: readonly (readonly [number, number])[]) =>
    judgeNote(policy, cosigned(...by));
  assert.deepEqual(judge([1, 50], [3, 40], [5, 60]), {
    isMet: true,
    timeS: 40,
    witnesses: ["X1", "X3", "Y2"],
  });
  assert.equal(judge([1, 50], [3, 40], [2, 45], [5, 60]).timeS, 45);
  for (const by of [[1, 2, 3], [4, 5, 6], [1, 4, 5, 6], []]) {
    const { isMet, timeS } = judge(...by.map((number) => [number, 50] as const));
    assert.deepEqual([isMet, timeS], [false, undefined]);
  }
  const none = parsePolicy("quorum none");
  assert.deepEqual(judgeNote(none, note), { isMet: true, timeS: undefined, witnesses: [] });
});

test("a policy that says something else than it could is refused with its line", () => {
  const two = `witness a ${x1}\nwitness b ${x2}\n`;
  for (const [text, line] of [
    ["", 1],
    ["quorum a", 1],
    [`${two}quorum a\nquorum b`, 4],
    [`${two}quorum a b`, 3],
    [`${two}witness a ${x3}\nquorum a`, 3],
    [`${two}witness c ${x1}\nquorum a`, 3],
    [`${two}witness none ${x3}\nquorum a`, 3],
    [`${two}witness c ${log.verifier.vkey}\nquorum a`, 3],
    [`log ${y1}\nquorum none`, 1],
    [`log ${log.verifier.vkey}\nlog ${log.verifier.vkey}\nquorum none`, 2],
    [`${two}group g 3 a b\nquorum g`, 3],
    [`${two}group g 0 a b\nquorum g`, 3],
    [`${two}group g 01 a b\nquorum g`, 3],
    [`${two}group g some a b\nquorum g`, 3],
    [`${two}group g any a a\nquorum g`, 3],
    [`${two}group g any\nquorum g`, 3],
    [`${two}group g any h\ngroup h any a\nquorum g`, 3],
    [`${two}group g any a\ngroup h any a\nquorum g`, 4],
    [`${two}groups g any a\nquorum a`, 3],
    [`${two}quorum a\r`, 3],
  ] as const) {
    const message = new RegExp(`^line ${line} of the policy: `);
    assert.throws(() => parsePolicy(text), { code: "archive.policy_invalid", message }, text);
  }
});
