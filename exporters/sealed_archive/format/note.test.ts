import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { AgentError } from "../../../src/component/errors.ts";
import { formatCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import { encodeSigningKey, openNote, parseSigningKey, parseVerifier, signNote } from "./note.ts";

// The example of the Go package golang.org/x/mod/sumdb/note.
const SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT =
  "If you think cryptography is the answer to your problem,\n" +
  "then you don't know what your problem is.\n";
const SIGNATURE =
  "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
const NOTE = `${TEXT}\n\u2014 PeterNeumann ${SIGNATURE}\n`;

const other = parseSigningKey(encodeSigningKey("example.com/other", randomBytes(32)));

test("signs and opens the note of the Go package, with its key files", () => {
  const signer = parseSigningKey(`${SKEY}\n`);
  assert.equal(signer.verifier.vkey, VKEY);
  assert.equal(signNote(TEXT, signer), NOTE);
  assert.deepEqual(openNote(NOTE, parseVerifier(VKEY)), { status: "valid", text: TEXT });
});

test("ignores lines of unknown keys before and after its own", () => {
  const cosigned = signNote(TEXT, other).slice(TEXT.length + 1);
  const verifier = parseVerifier(VKEY);
  assert.equal(openNote(NOTE + cosigned, verifier).status, "valid");
  const first = `${TEXT}\n${cosigned}\u2014 PeterNeumann ${SIGNATURE}\n`;
  assert.equal(openNote(first, verifier).status, "valid");
  assert.equal(openNote(first, other.verifier).status, "valid");
});

test("refuses a note that was changed anywhere", () => {
  const verifier = parseVerifier(VKEY);
  for (let index = 0; index < NOTE.length; index++) {
    const code = NOTE.charCodeAt(index) === 0x61 ? 0x62 : 0x61;
    const changed = NOTE.slice(0, index) + String.fromCharCode(code) + NOTE.slice(index + 1);
    assert.notEqual(openNote(changed, verifier).status, "valid", `character ${index}`);
  }
  for (const changed of [
    NOTE.replaceAll("\n", "\r\n"),
    `${TEXT}\n`,
    TEXT,
    "",
    NOTE.slice(0, -1),
    NOTE.replace("M=\n", "N=\n"),
    NOTE.replace(" x08", "  x08"),
  ]) {
    assert.notEqual(openNote(changed, verifier).status, "valid");
  }
});

test("refuses keys whose id does not fit, without quoting them", () => {
  const wrong = [VKEY.replace("c74f", "c74e"), SKEY, "a+b", "", VKEY.replace("AR", "BR")];
  for (const text of wrong) assert.throws(() => parseVerifier(text), AgentError);
  const secret = SKEY.slice(-44);
  assert.throws(
    () => parseSigningKey(SKEY.replace("c74f", "c74e")),
    (error) => error instanceof AgentError && !error.message.includes(secret),
  );
});

test("takes a checkpoint in its one writing only", () => {
  const root = randomBytes(32);
  const checkpoint = { origin: "example.com/host1", size: 42, root };
  const text = formatCheckpoint(checkpoint);
  assert.deepEqual(parseCheckpoint(text), checkpoint);
  assert.deepEqual(parseCheckpoint(`${text}extension\n`), checkpoint);
  const encoded = root.toString("base64");
  for (const wrong of [
    text.replace("42", "042"),
    text.replace("42", "-1"),
    text.replace("42", "4e1"),
    text.replace(encoded, encoded.slice(0, -1)),
    text.replace(encoded, `${encoded} `),
    text.slice(0, -1),
    `${text}\n`,
    `\n42\n${encoded}\n`,
  ]) {
    assert.equal(parseCheckpoint(wrong), undefined, JSON.stringify(wrong));
  }
});
