/**
 * Walks through a record and gives a copy with what may stay, or the very same record when all of
 * it may.
 *
 * Invariant: throws when any part of the record could not be judged; then the record must not pass.
 * The record given in is never changed. Resources and scopes are minimized once and stay shared.
 */
import type { KeyObject } from "node:crypto";
import type { AnyValue, AnyValueMap, Attributes } from "../../src/data/any_value.ts";
import { isAnyValueMap, setOwn } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import type { InstrumentationScope } from "../../src/data/resource.ts";
import { Resource } from "../../src/data/resource.ts";
import { compilePatterns } from "../../src/lib/name_pattern.ts";
import type { Config, ListsConfig, QueryConfig } from "./config.ts";
import { CUT_MARK, cutBody } from "./cut.ts";
import { hashField } from "./field_hash.ts";
import type { FieldPlan, QueryKind, QueryKindOf } from "./field_plan.ts";
import { FieldPlans } from "./field_plan.ts";
import type { FieldReport } from "./field_report.ts";
import { FindingTracker } from "./finding_tracker.ts";
import type { QueryRules } from "./query.ts";
import { queryEdits, textEdits, urlEdits } from "./query.ts";
import type { Place, Tally } from "./tally.ts";
import type { Edit } from "./text_edit.ts";
import { applyEdits } from "./text_edit.ts";
import { Withheld } from "./withheld.ts";

/** What a walk returns for a value that goes. */
const DROPPED = Symbol("dropped");
type Treated = AnyValue | typeof DROPPED;

const EDITS_OF: Readonly<Record<QueryKind, (text: string, rules: QueryRules) => Edit[]>> = {
  query: queryEdits,
  url: urlEdits,
  text: textEdits,
};

interface Section {
  readonly place: Place;
  readonly plans: FieldPlans;
}

export interface MinimizerParts {
  /** Needed for `unknown_fields: hash` alone. */
  readonly hashKey: KeyObject | undefined;
  readonly report: FieldReport;
  readonly tally: Tally;
}

export class RecordMinimizer {
  readonly #config: Config;
  readonly #parts: MinimizerParts;
  readonly #queryRules: QueryRules | undefined;
  readonly #attributes: Section;
  readonly #body: Section;
  readonly #resource: Section;
  readonly #scope: Section;
  readonly #resources = new WeakMap<Resource, Resource>();
  readonly #scopes = new WeakMap<InstrumentationScope, InstrumentationScope>();
  /** State of the walk through one record. */
  #place: Place = "body";
  /** Keys and indexes down to the value under way; as many of them count as it is deep. */
  readonly #path: (string | number)[] = [];
  #findings: FindingTracker | undefined;

  constructor(config: Config, parts: MinimizerParts) {
    this.#config = config;
    this.#parts = parts;
    const queries = config.query_parameters;
    this.#queryRules = queries && { scrub: queries.scrub, keep: new Set(queries.keep) };
    const section = (place: Place, lists: ListsConfig, kindOf?: QueryKindOf): Section => {
      return { place, plans: new FieldPlans(lists, kindOf) };
    };
    this.#attributes = section("attributes", config.attributes, attributeQueries(queries));
    this.#body = section("body", config.body, queries?.body ? () => "text" : undefined);
    this.#resource = section("resource", config.resource_attributes);
    this.#scope = section("scope", config.scope_attributes);
  }

  /** Throws {@link Withheld}, or whatever else keeps it from judging the record. */
  minimize(record: LogRecord): LogRecord {
    this.#findings = undefined;
    const resource = this.#sharedResource(record.resource);
    const instrumentationScope = this.#sharedScope(record.instrumentationScope);
    if (record.findings !== undefined) {
      this.#findings = new FindingTracker(record, record.findings);
    }
    const attributes = this.#topMap(record.attributes, this.#attributes);
    const body = this.#wholeBody(record.body);
    if (
      body === record.body &&
      attributes === record.attributes &&
      resource === record.resource &&
      instrumentationScope === record.instrumentationScope
    ) {
      return record;
    }
    return new LogRecord({
      ...record,
      body,
      attributes,
      resource,
      instrumentationScope,
      droppedAttributesCount:
        record.droppedAttributesCount + missing(record.attributes, attributes),
      findings: this.#findings?.remaining(body, attributes),
    });
  }

  #sharedResource(resource: Resource): Resource {
    if (this.#resource.plans.isIdle) return resource;
    let minimized = this.#resources.get(resource);
    if (minimized === undefined) {
      const before = resource.attributes as Attributes;
      const after = this.#topMap(before, this.#resource);
      const dropped = resource.droppedAttributesCount + missing(before, after);
      minimized = after === before ? resource : new Resource(after, resource.schemaUrl, dropped);
      this.#resources.set(resource, minimized);
    }
    return minimized;
  }

  #sharedScope(scope: InstrumentationScope): InstrumentationScope {
    if (this.#scope.plans.isIdle || scope.attributes === undefined) return scope;
    let minimized = this.#scopes.get(scope);
    if (minimized === undefined) {
      const attributes = this.#topMap(scope.attributes, this.#scope);
      const dropped = (scope.droppedAttributesCount ?? 0) + missing(scope.attributes, attributes);
      minimized =
        attributes === scope.attributes
          ? scope
          : { ...scope, attributes, droppedAttributesCount: dropped };
      this.#scopes.set(scope, minimized);
    }
    return minimized;
  }

  #wholeBody(body: AnyValue): AnyValue {
    const { drop, max_bytes } = this.#config.body;
    if (body === undefined || body === null) return body;
    if (drop) {
      this.#parts.tally.droppedBodies++;
      return undefined;
    }
    this.#place = "body";
    const { plans } = this.#body;
    const treated = plans.isIdle ? body : this.#value(body, plans.root, this.#body, 0);
    if (treated === DROPPED) return undefined;
    return max_bytes === undefined ? treated : this.#cut(treated, max_bytes);
  }

  #cut(body: AnyValue, bytesMax: number): AnyValue {
    const limits = { bytesMax, depthMax: this.#config.max_depth };
    const cut = cutBody(body, limits, (text, end, path) => {
      const edit = { start: end, end: text.length, text: CUT_MARK };
      return this.#edit(text, [edit], path);
    });
    if (cut !== body) this.#parts.tally.cutBodies++;
    return cut;
  }

  #topMap(map: Attributes, section: Section): Attributes {
    if (section.plans.isIdle) return map;
    this.#place = section.place;
    const treated = this.#map(map, section.plans.root, section, 0);
    return treated === DROPPED ? {} : (treated as Attributes);
  }

  #value(value: AnyValue, plan: FieldPlan, section: Section, depth: number): Treated {
    const { tally, report } = this.#parts;
    if (plan.verdict === "deny") {
      tally.countField(section.place, "denied");
      return DROPPED;
    }
    if (isFilled(value)) {
      if (plan.isWhole) return value;
      if (depth >= this.#config.max_depth) throw new Withheld("too_deep");
      return Array.isArray(value)
        ? this.#list(value, plan, section, depth)
        : this.#map(value, plan, section, depth);
    }
    if (plan.verdict === "unknown") {
      const { unknown_fields = "drop" } = this.#config;
      if (unknown_fields !== "pass") report.note(section.place, plan, value);
      tally.countField(section.place, OUTCOMES[unknown_fields]);
      if (unknown_fields === "drop") return DROPPED;
      if (unknown_fields === "hash") return hashField(this.#parts.hashKey!, plan.name, value);
    }
    if (plan.query === undefined || typeof value !== "string") return value;
    return this.#scrub(value, plan.query, depth);
  }

  #map(map: AnyValueMap, plan: FieldPlan, section: Section, depth: number): Treated {
    let kept: AnyValueMap | undefined;
    let keptCount = 0;
    for (const key in map) {
      const value = map[key];
      this.#path[depth] = key;
      const treated = this.#value(value, section.plans.of(plan, key), section, depth + 1);
      if (kept === undefined && !Object.is(treated, value)) kept = headOf(map, key);
      if (treated === DROPPED) continue;
      keptCount++;
      if (kept !== undefined) setOwn(kept, key, treated);
    }
    if (kept === undefined) return map;
    return keptCount === 0 ? DROPPED : kept;
  }

  /** What goes leaves an empty value, so that the others keep their places. */
  #list(list: AnyValue[], plan: FieldPlan, section: Section, depth: number): Treated {
    let copy: AnyValue[] | undefined;
    let keptCount = 0;
    for (let index = 0; index < list.length; index++) {
      this.#path[depth] = index;
      const value = list[index] ?? null;
      const treated = this.#value(value, plan, section, depth + 1);
      if (treated !== DROPPED) keptCount++;
      const left = treated === DROPPED ? null : treated;
      if (Object.is(left, value)) continue;
      copy ??= [...list];
      copy[index] = left;
    }
    return keptCount === 0 ? DROPPED : (copy ?? list);
  }

  #scrub(text: string, kind: QueryKind, depth: number): string {
    const edits = EDITS_OF[kind](text, this.#queryRules!);
    if (edits.length === 0) return text;
    this.#parts.tally.scrubbedTexts++;
    return this.#edit(text, edits, this.#path.slice(0, depth));
  }

  #edit(text: string, edits: readonly Edit[], path: readonly (string | number)[]): string {
    if (this.#findings === undefined) return applyEdits(text, edits, []).text;
    const root = this.#place === "body" ? "body" : "attributes";
    return this.#findings.edit({ root, path }, text, edits);
  }
}

const OUTCOMES = { pass: "passed", hash: "hashed", drop: "dropped", report: "reported" } as const;

function attributeQueries(config: QueryConfig | undefined): QueryKindOf | undefined {
  if (config === undefined) return undefined;
  const isQuery = compilePatterns(config.queries);
  const isUrl = compilePatterns(config.urls);
  return (name) => (isQuery(name) ? "query" : isUrl(name) ? "url" : undefined);
}

/** A map or list with something in it; an empty one is a value like any other. */
function isFilled(value: AnyValue): value is AnyValueMap | AnyValue[] {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (!isAnyValueMap(value)) return false;
  for (const _key in value) return true;
  return false;
}

/** A copy of the entries before `end`. */
function headOf(map: AnyValueMap, end: string): AnyValueMap {
  const head: AnyValueMap = {};
  for (const key in map) {
    if (key === end) break;
    setOwn(head, key, map[key]);
  }
  return head;
}

function missing(before: Attributes, after: Attributes): number {
  return before === after ? 0 : Object.keys(before).length - Object.keys(after).length;
}
