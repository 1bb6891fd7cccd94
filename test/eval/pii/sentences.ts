/**
 * Sentences with marked spans: made-up ones (presidio-research, MIT), and what people wrote in public
 * (WNUT 2017, CC BY 4.0), which nothing here was trained on or set by.
 */
import { readFileSync } from "node:fs";
import type { ConfigName } from "./detect.ts";
import { detectorFor } from "./detect.ts";
import type { Figures, Span } from "./tokens.ts";
import { compareTokens, Tally } from "./tokens.ts";

/**
 * Which of our entities stand for a type of the corpus. A street address of the corpus has its
 * town and postcode in it, and its titles stand before names or are trades.
 */
export const ENTITIES_OF: Readonly<Record<string, readonly string[]>> = {
  PERSON: ["person_name", "user_name"],
  TITLE: ["person_name"],
  STREET_ADDRESS: ["street_address", "location", "postcode"],
  GPE: ["location", "street_address"],
  ZIP_CODE: ["postcode", "street_address"],
  ORGANIZATION: ["organization"],
  NRP: ["nationality"],
  AGE: ["age"],
  DATE_TIME: ["date", "date_of_birth"],
  CREDIT_CARD: ["payment_card"],
  EMAIL_ADDRESS: ["email"],
  PHONE_NUMBER: ["phone_national", "phone_e164"],
  IBAN_CODE: ["iban"],
  DOMAIN_NAME: ["url"],
  IP_ADDRESS: ["ipv4", "ipv6"],
  US_SSN: ["us_ssn"],
};

interface Sentence {
  readonly text: string;
  readonly spans: readonly Span[];
}

interface CorpusEntry {
  readonly full_text: string;
  readonly spans: readonly {
    readonly entity_type: string;
    readonly start_position: number;
    readonly end_position: number;
  }[];
}

export function readSentences(file: string): Sentence[] {
  const entries: readonly CorpusEntry[] = JSON.parse(readFileSync(file, "utf8"));
  return entries.map(({ full_text, spans }) => ({
    text: full_text,
    spans: spans.map((span) => ({
      type: span.entity_type,
      start: span.start_position,
      end: span.end_position,
    })),
  }));
}

/** Types of WNUT 2017 that are nobody: their words are not counted. */
const UNCOUNTED = "uncounted";
const WNUT_TYPES: Readonly<Record<string, string>> = {
  person: "PERSON",
  location: "GPE",
  corporation: "ORGANIZATION",
};

/** Reads CoNLL: a word and its label a line, an empty line after each sentence. */
export function readConll(file: string): Sentence[] {
  return readFileSync(file, "utf8")
    .split(/\n\s*\n/)
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const spans: Span[] = [];
      let text = "";
      for (const line of part.trim().split("\n")) {
        const [word = "", label = "O"] = line.split("\t");
        if (text !== "") text += " ";
        const kind = label.trim().replace(/^[BI]-/, "");
        const type = WNUT_TYPES[kind] ?? UNCOUNTED;
        if (kind !== "O") spans.push({ type, start: text.length, end: text.length + word.length });
        text += word;
      }
      return { text, spans };
    });
}

export interface SentenceResult {
  /** Personal or not, whatever the type. */
  readonly overall: Figures;
  /** Of the types alone that the configuration looks for at all. */
  readonly byType: Readonly<Record<string, Figures>>;
}

export function evaluateSentences(
  sentences: readonly Sentence[],
  config: ConfigName,
): SentenceResult {
  const detect = detectorFor(config);
  const overall = new Tally();
  const byType = new Map<string, Tally>();
  for (const { spans } of sentences)
    for (const { type } of spans)
      if (type !== UNCOUNTED && !byType.has(type)) byType.set(type, new Tally());
  for (const { text, spans } of sentences) {
    compareTokens(text, spans, detect(text), (marked, found) => {
      if (marked === UNCOUNTED) return;
      if (marked !== undefined) overall.there++;
      if (found !== undefined) overall.found++;
      if (marked !== undefined && found !== undefined) overall.right++;
      for (const [type, tally] of byType) count(tally, type, marked, found);
    });
  }
  const types = [...byType].sort(([, a], [, b]) => b.there - a.there);
  return {
    overall: overall.figures(),
    byType: Object.fromEntries(types.map(([type, tally]) => [type, tally.figures()])),
  };
}

/** A finding is right for a type when the corpus has any type there that the entity stands for. */
function count(
  tally: Tally,
  type: string,
  marked: string | undefined,
  found: string | undefined,
): void {
  const isThere = marked === type;
  const isFound = found !== undefined && ENTITIES_OF[type]!.includes(found);
  if (isThere) tally.there++;
  if (isThere && isFound) {
    tally.found++;
    tally.right++;
  } else if (isFound && (marked === undefined || !ENTITIES_OF[marked]?.includes(found))) {
    tally.found++;
  }
}
