import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configSchema } from "../config.ts";
import { Detector } from "../detector.ts";
import { entityTable } from "./entity_table.ts";

const testdata = join(import.meta.dirname, "../testdata");
const detectors = new Map(
  entityTable.map(({ name, isOnRequest }) => [name, detectorFor(isOnRequest ? name : "default")]),
);

/** One for all rows, and one more for each that is on request only. */
function detectorFor(extra: string): Detector {
  return new Detector(
    configSchema.parse({ entities: ["default", extra], names: "balanced", allow: { cidrs: [] } }),
  );
}

/**
 * A line is one sample. `«»` mark what must be found. `␤` is a line end, and `¦` is nothing: it
 * keeps made-up keys from setting off secret scanners.
 */
function samples(entity: string, file: string): string[] {
  const text = readFileSync(join(testdata, entity, file), "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => line.replaceAll("¦", "").replaceAll("␤", "\n"));
}

/** The text with the findings of one entity marked. */
function marked(entity: string, text: string): string {
  const detector = detectors.get(entity)!;
  const { scanner } = detector;
  detector.look(text, { context: "", meaning: undefined });
  scanner.spans.settle();
  let result = "";
  let copied = 0;
  for (let index = 0; index < scanner.spans.count; index++) {
    if (scanner.names[scanner.spans.entity(index)] !== entity) continue;
    const [start, end] = [scanner.spans.start(index), scanner.spans.end(index)];
    result += `${text.slice(copied, start)}«${text.slice(start, end)}»`;
    copied = end;
  }
  return result + text.slice(copied);
}

for (const { name } of entityTable) {
  test(`finds each sample of ${name}, and nothing but it`, () => {
    const expected = samples(name, "found.txt");
    assert.deepEqual(
      expected.map((sample) => marked(name, sample.replaceAll(/[«»]/g, ""))),
      expected,
    );
  });

  test(`takes nothing else for ${name}`, () => {
    const expected = samples(name, "not_found.txt");
    assert.ok(expected.length > 0);
    assert.deepEqual(
      expected.map((sample) => marked(name, sample)),
      expected,
    );
  });
}

test("every folder of samples belongs to a row of the table", () => {
  const names = entityTable.map((entity) => entity.name);
  assert.deepEqual(readdirSync(testdata).sort(), [...names].sort());
});
