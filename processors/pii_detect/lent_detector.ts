/** The detector as other components may use it: see src/component/detector.ts. */
import type { CreateDetector, Detection, Detector } from "../../src/component/detector.ts";
import { configSchema } from "./config.ts";
import { Detector as Detecting } from "./detector.ts";
import { ENCODINGS } from "./encoded_text.ts";
import { meaningOfKey } from "./key_names.ts";
import type { KeyPlan } from "./key_plan.ts";
import { contextOf } from "./key_plan.ts";

const NAMES_MAX = 4096;
const NONE: readonly Detection[] = [];

type KeyKnowledge = Pick<KeyPlan, "context" | "meaning">;

export const createDetector: CreateDetector = (options) => {
  const parsed = configSchema.safeParse({
    entities: options.entities,
    min_score: options.minScore,
    // What the model is not certain of must not stop a record.
    names: "off",
    decode: ENCODINGS,
    allow: { values: options.allowedValues, cidrs: options.allowedNetworks },
  });
  if (!parsed.success) return parsed.error.issues.map(({ message }) => message).join("; ");
  return new LentDetector(new Detecting(parsed.data));
};

class LentDetector implements Detector {
  readonly #detecting: Detecting;
  readonly #names = new Map<string, KeyKnowledge>();

  constructor(detecting: Detecting) {
    this.#detecting = detecting;
  }

  detect(text: string, name: string): readonly Detection[] {
    const shown = this.#detecting.look(text, this.#knowledgeOf(name));
    const { spans, names } = this.#detecting.scanner;
    if (spans.count === 0) return NONE;
    spans.settle();
    if (shown !== text) {
      // Something is under an encoding, and has no place in the text as it stands.
      return [{ entity: names[spans.entity(0)]!, start: 0, end: text.length }];
    }
    return Array.from({ length: spans.count }, (_, index) => ({
      entity: names[spans.entity(index)]!,
      start: spans.start(index),
      end: spans.end(index),
    }));
  }

  #knowledgeOf(name: string): KeyKnowledge {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const meaning = name === "" ? undefined : meaningOfKey(name);
    const knowledge = { context: contextOf(name), meaning };
    // Names come from outside: nobody may fill the memory with them.
    if (this.#names.size >= NAMES_MAX) this.#names.clear();
    this.#names.set(name, knowledge);
    return knowledge;
  }
}
