import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { configSchema } from "../config.ts";
import { Detector } from "../detector.ts";
import { ScannedText } from "../scanned_text.ts";
import { Gate } from "./gate.ts";
import { loadModel } from "./model_file.ts";
import type { NamesMode } from "./name_search.ts";
import { trainNames } from "./training/train.ts";
import { newWords, readWords, WORDS_MAX } from "./words.ts";

function finder(names: NamesMode | "off"): (text: string, key?: string) => string[] {
  const detector = new Detector(configSchema.parse({ names }));
  return (text, key = "") => {
    detector.look(text, { context: key, meaning: undefined });
    const { spans, names: entities } = detector.scanner;
    spans.settle();
    return Array.from(
      { length: spans.count },
      (_, index) =>
        `${entities[spans.entity(index)]}: ${text.slice(spans.start(index), spans.end(index))}`,
    );
  };
}

const find = finder("balanced");

test("the model is what the training makes, byte for byte", () => {
  const { file } = trainNames();
  assert.ok(file.equals(readFileSync(new URL("./model.bin", import.meta.url))));
});

test("a name is found where it stands, whatever stands before it", () => {
  const expected = ["person_name: Jonathan Whitfield"];
  for (const before of ["", "😀 ", "ünïcödé, ", "日本 "]) {
    assert.deepEqual(
      find(`${before}Please contact Jonathan Whitfield about the invoice.`),
      expected,
    );
  }
});

test("a name in capitals of two alphabets or with marks above it is whole", () => {
  assert.deepEqual(find("I spoke to Zoë O'Connor-Müller yesterday, she was very helpful."), [
    "person_name: Zoë O'Connor-Müller",
  ]);
});

test("what has an entity of its own stays what it is", () => {
  const found = find("Please write to Jane Whitfield <jane.whitfield@example.com> today.");
  assert.deepEqual(found, ["person_name: Jane Whitfield", "email: jane.whitfield@example.com"]);
});

test("a token is no name", () => {
  assert.deepEqual(find("Please call <person_name:k1:mfrggzdfmztwq2lkmfrggzdfmy> back."), []);
});

test("without the model only fields that are called so hold names", () => {
  const findFields = finder("off");
  assert.deepEqual(findFields("Please contact Jonathan Whitfield about the invoice."), []);
  assert.deepEqual(findFields("Jonathan Whitfield", "customer.name"), [
    "person_name: Jonathan Whitfield",
  ]);
  for (const key of ["service.name", "file.name", "host.name", "thread.name", "k8s.pod.name"]) {
    assert.deepEqual(findFields("Jonathan Whitfield", key), []);
  }
});

test("precise leaves places and companies alone", () => {
  const text = "She moved to Manchester and works at Whitfield Insurance.";
  assert.deepEqual(finder("precise")(text), []);
  assert.deepEqual(find(text), ["location: Manchester", "organization: Whitfield Insurance"]);
});

test("the gate tells what programs write from what people write", () => {
  const gate = new Gate(loadModel().lexicon);
  const kindOf = (text: string) => {
    const scanned = new ScannedText();
    scanned.set(text);
    return gate.kindOf(scanned);
  };
  for (const text of [
    "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass; user unknown",
    "INFO [main] ConnectionManager: Started in 30 ms",
    "10.1.2.3 - - [17/May/2015:10:05:03 +0000] GET / HTTP/1.1 Mozilla/5.0 (Macintosh)",
    "Exception\n\tat com.example.Main",
  ]) {
    assert.equal(kindOf(text), "shut", text);
  }
  assert.equal(kindOf("INFO order 17 of Charlotte is late: state=3"), "log");
  assert.equal(kindOf("my order is late"), "prose");
  assert.equal(kindOf("one\ntwo"), "prose");
});

test("a text of many windows is read to its end, and each word once", () => {
  const words = newWords();
  const text = "Please ask Charlotte Whitfield. ".repeat(400);
  let from = 0;
  let count = 0;
  let windows = 0;
  while (from < text.length) {
    from = readWords(text, from, words);
    count += words.count;
    windows++;
  }
  assert.equal(count, 400 * 5);
  assert.equal(windows, Math.ceil(count / WORDS_MAX));
  assert.equal(find(text).length, 400);
});

test("whatever the text, spans lie in it and rise", () => {
  const detector = new Detector(configSchema.parse({ names: "recall" }));
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      detector.look(text, { context: "", meaning: undefined });
      const { spans } = detector.scanner;
      spans.settle();
      let last = 0;
      for (let index = 0; index < spans.count; index++) {
        assert.ok(spans.start(index) >= last && spans.start(index) < spans.end(index));
        last = spans.end(index);
      }
      assert.ok(last <= text.length);
    }),
  );
});
