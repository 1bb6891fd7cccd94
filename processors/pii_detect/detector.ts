/** What a configuration looks for: the rows of the table in use, and the user's own rules. */
import { compileAllowList } from "./allow_list.ts";
import type { Config } from "./config.ts";
import type { EncodedPart, Encoding } from "./encoded_text.ts";
import { encodedParts, withDecoded } from "./encoded_text.ts";
import type { Entity, Region } from "./entities/entity.ts";
import { REGIONS } from "./entities/entity.ts";
import { entityTable } from "./entities/entity_table.ts";
import type { KeyPlan } from "./key_plan.ts";
import { nameEntities } from "./names/name_entities.ts";
import { NameSearch } from "./names/name_search.ts";
import { isMarked } from "./nearby.ts";
import { Scanner } from "./scanner.ts";
import type { Spans } from "./spans.ts";
import type { RunRules } from "./user_rules.ts";
import { compileRules } from "./user_rules.ts";

export class Detector {
  readonly scanner: Scanner;
  readonly entities: readonly Entity[];
  readonly #runRules: RunRules | undefined;
  readonly #nameSearch: NameSearch | undefined;
  readonly #lengthMax: number;
  readonly #encodings: readonly Encoding[];

  constructor(config: Config) {
    const names = enabledNames(config);
    const regions = regionsOf(config);
    this.entities = entityTable.filter(
      (entity) =>
        names.has(entity.name) &&
        (entity.regions?.some((region) => regions.includes(region)) ?? true),
    );
    const rules = config.rules.filter((rule) => names.has(rule.entity));
    const isAllowed = compileAllowList(config.allow);
    if (config.names !== "off" && nameEntities.some(({ name }) => names.has(name))) {
      this.#nameSearch = new NameSearch(config.names);
    }
    const listener = this.#nameSearch && { listener: this.#nameSearch.gate };
    this.scanner = new Scanner(
      this.entities,
      { minScore: config.min_score, isAllowed, regions, ...listener },
      rules.map((rule) => rule.entity),
    );
    this.#runRules = compileRules(rules);
    this.#lengthMax = config.max_value_size;
    this.#encodings = config.decode;
  }

  /**
   * Leaves what it found in the scanner's spans, which may not be settled. Gives the text that they are of:
   * `text`, or `text` in which the encoded parts that hold a finding stand decoded. Throws when the
   * text cannot be looked at as a whole.
   */
  look(text: string, plan: Knowledge): string {
    if (text.length > this.#lengthMax) throw new Error("the value is too long");
    this.#search(text, plan);
    return this.#encodings.length === 0 ? text : this.#lookDecoded(text, plan);
  }

  #search(text: string, plan: Knowledge): void {
    this.scanner.scan(text, plan.context);
    if (plan.meaning !== undefined) this.scanner.addNamed(plan.meaning);
    this.#runRules?.(this.scanner, text);
    this.#nameSearch?.run(this.scanner);
  }

  #lookDecoded(text: string, plan: Knowledge): string {
    const { spans } = this.scanner;
    let parts = encodedParts(text, this.#encodings);
    if (parts.length === 0) return text;
    spans.settle();
    // What is a finding as it stands, such as a secret, is treated as that; our tokens stay.
    const isCovered = relations(spans, parts).map((relation) => relation === "covered");
    parts = parts.filter(
      ({ start, end }, index) => !isCovered[index] && !isMarked(this.scanner.marks, start, end),
    );
    if (parts.length === 0) return text;
    const decoded = withDecoded(text, parts);
    this.#search(decoded, plan);
    spans.settle();
    const touched = relations(spans, placesDecoded(parts));
    const found = parts.filter((_, index) => touched[index] !== "apart");
    if (found.length === parts.length) return decoded;
    const { count } = spans;
    const partly = withDecoded(text, found);
    this.#search(partly, plan);
    spans.settle();
    if (spans.count >= count) return partly;
    // A word that was the reason stands in another part.
    this.#search(decoded, plan);
    return decoded;
  }
}

type Knowledge = Pick<KeyPlan, "context" | "meaning">;

interface Range {
  readonly start: number;
  readonly end: number;
}

function placesDecoded(parts: readonly EncodedPart[]): Range[] {
  let shift = 0;
  return parts.map(({ start, end, decoded }) => {
    const place = { start: start + shift, end: start + shift + decoded.length };
    shift += decoded.length - (end - start);
    return place;
  });
}

/** How each range stands to the settled `spans`; ranges rise, too. */
function relations(spans: Spans, ranges: readonly Range[]): ("apart" | "touched" | "covered")[] {
  let span = 0;
  return ranges.map(({ start, end }) => {
    while (span < spans.count && spans.end(span) <= start) span++;
    if (span === spans.count || spans.start(span) >= end) return "apart";
    return spans.start(span) <= start && spans.end(span) >= end ? "covered" : "touched";
  });
}

function regionsOf({ regions }: Config): readonly Region[] {
  return regions.includes("all") ? REGIONS : (regions as Region[]);
}

/** `default` is all but what is on request; what is to be kept is not looked for. */
function enabledNames(config: Config): ReadonlySet<string> {
  const names = new Set(config.rules.map((rule) => rule.entity));
  for (const entry of config.entities) {
    if (entry === "default") {
      for (const { name, isOnRequest } of entityTable) if (isOnRequest !== true) names.add(name);
    } else if (!entry.startsWith("-")) names.add(entry);
  }
  for (const entry of config.entities) if (entry.startsWith("-")) names.delete(entry.slice(1));
  for (const [name, { action }] of Object.entries(config.treatments)) {
    if (action === "keep") names.delete(name);
  }
  return names;
}
