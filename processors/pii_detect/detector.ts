/** What a configuration looks for: the rows of the table in use, and the user's own rules. */
import { compileAllowList } from "./allow_list.ts";
import type { Config } from "./config.ts";
import type { Entity, Region } from "./entities/entity.ts";
import { REGIONS } from "./entities/entity.ts";
import { entityTable } from "./entities/entity_table.ts";
import type { KeyPlan } from "./key_plan.ts";
import { nameEntities } from "./names/name_entities.ts";
import { NameSearch } from "./names/name_search.ts";
import { Scanner } from "./scanner.ts";
import type { RunRules } from "./user_rules.ts";
import { compileRules } from "./user_rules.ts";

export class Detector {
  readonly scanner: Scanner;
  readonly entities: readonly Entity[];
  readonly #runRules: RunRules | undefined;
  readonly #nameSearch: NameSearch | undefined;
  readonly #lengthMax: number;

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
  }

  /**
   * Leaves what it found in `text` in the scanner's spans, not settled. Throws when the text cannot
   * be looked at as a whole.
   */
  look(text: string, plan: Pick<KeyPlan, "context" | "meaning">): void {
    if (text.length > this.#lengthMax) throw new Error("the value is too long");
    this.scanner.scan(text, plan.context);
    if (plan.meaning !== undefined) this.scanner.addNamed(plan.meaning);
    this.#runRules?.(this.scanner, text);
    this.#nameSearch?.run(this.scanner);
  }
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
