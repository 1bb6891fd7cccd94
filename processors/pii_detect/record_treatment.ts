/**
 * Walks through a record, treats every text in it, and gives a copy with the findings that are left
 * for `tokenize`, or the very same record when nothing was found.
 *
 * Invariant: throws when any part of the record could not be looked at; then the record must not
 * pass. The record given in is never changed.
 */
import type { AnyValue, AnyValueMap, Attributes } from "../../src/data/any_value.ts";
import { Double, isAnyValueMap, setOwn } from "../../src/data/any_value.ts";
import type { Finding } from "../../src/data/finding.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import type { Config } from "./config.ts";
import type { Detector } from "./detector.ts";
import type { KeyPlan } from "./key_plan.ts";
import { CACHED_LENGTH_MAX, KeyPlans, NAMELESS } from "./key_plan.ts";
import type { Place, TreatedText } from "./text_treatment.ts";
import { treatSpans } from "./text_treatment.ts";
import type { Treatment } from "./treatments.ts";

/** Integers below have fewer digits than anything that is looked for. */
const INTEGER_MIN = 1e8;
/** What a walk returns for a value that its entity's treatment drops. */
const DROPPED = Symbol("dropped");
/** Thrown through the walk when a treatment withholds the whole record. */
export const DROP_RECORD = new Error("a treatment drops the record");

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class RecordTreatment {
  readonly #config: Config;
  readonly #detector: Detector;
  readonly #treatments: readonly Treatment[];
  readonly #count: (counter: number) => void;
  readonly #plans: KeyPlans;
  readonly #include: ReadonlySet<string> | undefined;
  readonly #exclude: ReadonlySet<string>;
  readonly #isFiltered: boolean;
  readonly #resources = new WeakMap<object, Resource>();
  /** State of the walk through one record. */
  #root: Finding["root"] = "body";
  /** Keys and indexes down to the value under way; as many of them count as it is deep. */
  readonly #path: (string | number)[] = [];
  #findings: Finding[] | undefined;
  #inline = false;
  #treatedCount = 0;

  /** `treatments` are by the scanner's entity numbers; `count` is called for each finding. */
  constructor(
    config: Config,
    detector: Detector,
    treatments: readonly Treatment[],
    count: (counter: number) => void,
  ) {
    this.#config = config;
    this.#detector = detector;
    this.#treatments = treatments;
    this.#count = count;
    const { include, exclude } = config.attributes;
    this.#include = include === undefined ? undefined : new Set(include);
    this.#exclude = new Set(exclude);
    this.#isFiltered = include !== undefined || exclude.length > 0;
    this.#plans = new KeyPlans(config.cache_size, (name) => this.#look(name, NAMELESS, true));
  }

  /** Throws {@link DROP_RECORD} when a treatment drops the record, another error when it fails. */
  treat(record: LogRecord): LogRecord {
    // Places that an earlier detector left would be wrong after a change of the text.
    if (record.findings !== undefined) throw new Error("the record has findings already");
    this.#findings = undefined;
    this.#treatedCount = 0;
    this.#inline = false;
    const maskedKeys: string[] | undefined = this.#config.summary === "debug" ? [] : undefined;
    const resource = this.#config.resource ? this.#resource(record) : record.resource;
    const body = this.#config.body ? this.#body(record.body) : record.body;
    if (this.#treatedCount > 0) maskedKeys?.push("body");
    const attributes = this.#attributes(record.attributes, maskedKeys);
    const findings = this.#findings as Finding[] | undefined;
    const isSame =
      body === record.body && attributes === record.attributes && resource === record.resource;
    if (isSame && findings === undefined) return record;
    const summarized = this.#summarize(attributes, maskedKeys);
    if (resource === record.resource) return record.with(body, summarized, findings);
    return new LogRecord({ ...record, body, attributes: summarized, resource, findings });
  }

  #body(body: AnyValue): AnyValue {
    this.#root = "body";
    const treated = this.#value(body, NAMELESS, 0);
    return treated === DROPPED ? undefined : treated;
  }

  #attributes(attributes: Attributes, maskedKeys: string[] | undefined): Attributes {
    this.#root = "attributes";
    let copy: Attributes | undefined;
    for (const key in attributes) {
      if (this.#isFiltered && !this.#isWanted(key)) continue;
      const before = this.#treatedCount;
      copy = this.#entry(attributes, copy, key, 0);
      if (this.#treatedCount > before) maskedKeys?.push(key);
    }
    return copy ?? attributes;
  }

  #isWanted(key: string): boolean {
    if (this.#exclude.has(key)) return false;
    return this.#include === undefined || this.#include.has(key);
  }

  /** Treats one key of a map; gives the copy of the map once anything in it has changed. */
  #entry(
    map: AnyValueMap,
    copy: AnyValueMap | undefined,
    key: string,
    depth: number,
  ): AnyValueMap | undefined {
    const plan = this.#plans.of(key);
    const value = map[key];
    const name = plan.name === undefined ? key : this.#rename(plan.name, copy ?? map);
    this.#path[depth] = name;
    const treated = this.#value(value, plan, depth + 1);
    if (treated === value && name === key) return copy;
    const changed = copy ?? { ...map };
    if (name !== key || treated === DROPPED || plan.name?.drop === "field") delete changed[key];
    if (treated !== DROPPED && plan.name?.drop !== "field") setOwn(changed, name, treated);
    return changed;
  }

  /** The treated name, made unlike the names that are there. */
  #rename(treated: TreatedText, map: AnyValueMap): string {
    this.#note(treated);
    let name = treated.text;
    for (let count = 2; Object.hasOwn(map, name); count++) name = `${treated.text}#${count}`;
    return name;
  }

  #value(value: AnyValue, plan: KeyPlan, depth: number): AnyValue | typeof DROPPED {
    if (typeof value === "string") return this.#text(value, value, plan, depth);
    if (typeof value === "number") {
      const isLong = Number.isInteger(value) && Math.abs(value) >= INTEGER_MIN;
      if (!isLong && plan.meaning === undefined) return value;
      return this.#text(value, String(value), plan, depth);
    }
    if (typeof value === "bigint") return this.#text(value, String(value), plan, depth);
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Double) {
      const treated = this.#value(value.value, plan, depth);
      return treated === value.value ? value : treated;
    }
    if (value instanceof Uint8Array) return this.#bytes(value, plan, depth);
    if (depth >= this.#config.max_depth) throw new Error("the value is nested too deep");
    if (Array.isArray(value)) return this.#list(value, plan, depth);
    return isAnyValueMap(value) ? this.#map(value, depth) : value;
  }

  #list(list: AnyValue[], plan: KeyPlan, depth: number): AnyValue {
    let copy: AnyValue[] | undefined;
    for (let index = 0; index < list.length; index++) {
      this.#path[depth] = index;
      const treated = this.#value(list[index], plan, depth + 1);
      if (treated === list[index]) continue;
      copy ??= [...list];
      // The others keep their places.
      copy[index] = treated === DROPPED ? null : treated;
    }
    return copy ?? list;
  }

  #map(map: AnyValueMap, depth: number): AnyValue {
    let copy: AnyValueMap | undefined;
    for (const key in map) copy = this.#entry(map, copy, key, depth);
    return copy ?? map;
  }

  /** Bytes are looked at as UTF-8, whatever else they hold; with a finding they become text. */
  #bytes(bytes: Uint8Array, plan: KeyPlan, depth: number): AnyValue | typeof DROPPED {
    if (bytes.length > this.#config.max_value_size) throw new Error("the value is too long");
    return this.#text(bytes, utf8.decode(bytes), plan, depth);
  }

  /** Gives `original` back when `text`, which says the same, holds no finding. */
  #text(original: AnyValue, text: string, plan: KeyPlan, depth: number): AnyValue | typeof DROPPED {
    let treated: TreatedText | null | undefined;
    if (text.length <= CACHED_LENGTH_MAX && plan !== NAMELESS && !this.#inline) {
      treated = this.#plans.recall(plan, text);
      if (treated === undefined) {
        treated = this.#look(text, plan, false);
        if (treated?.isUnique !== true) this.#plans.remember(plan, text, treated);
      }
    } else treated = this.#look(text, plan, this.#inline);
    if (treated === null || treated === undefined) return original;
    this.#note(treated);
    if (treated.drop === "field") return DROPPED;
    for (const place of treated.places) this.#addFinding(place, depth);
    return treated.text === text && typeof original === "string" ? original : treated.text;
  }

  #look(text: string, plan: KeyPlan, inline: boolean): TreatedText | undefined {
    const shown = this.#detector.look(text, plan);
    return treatSpans(this.#detector.scanner, this.#treatments, shown, inline);
  }

  #note(treated: TreatedText): void {
    for (const counter of treated.counters) this.#count(counter);
    this.#treatedCount += treated.counters.length;
    if (treated.drop === "record") throw DROP_RECORD;
  }

  #addFinding(place: Place, depth: number): void {
    const finding: Finding = {
      root: this.#root,
      path: this.#path.slice(0, depth),
      entity: place.entity,
      start: place.start,
      end: place.end,
    };
    if (this.#findings === undefined) this.#findings = [finding];
    else this.#findings.push(finding);
  }

  /** Records of one origin share the resource, so it is treated once. */
  #resource(record: LogRecord): Resource {
    const known = this.#resources.get(record.resource);
    if (known !== undefined) return known;
    this.#inline = true;
    const attributes = this.#attributes(record.resource.attributes as Attributes, undefined);
    this.#inline = false;
    this.#treatedCount = 0;
    const { schemaUrl, droppedAttributesCount } = record.resource;
    const resource =
      attributes === record.resource.attributes
        ? record.resource
        : new Resource(attributes, schemaUrl, droppedAttributesCount);
    this.#resources.set(record.resource, resource);
    return resource;
  }

  #summarize(attributes: Attributes, maskedKeys: readonly string[] | undefined): Attributes {
    if (this.#config.summary === "silent" || this.#treatedCount === 0) return attributes;
    const summary: Attributes = { "redaction.masked.count": this.#treatedCount };
    if (maskedKeys !== undefined) summary["redaction.masked.keys"] = maskedKeys.join(",");
    return { ...attributes, ...summary };
  }
}
