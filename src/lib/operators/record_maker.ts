/**
 * From what operators made to a log record.
 *
 * Invariant: records with equal resource attributes share one resource, so that exporters group
 * them by identity.
 */
import type { AnyValueMap } from "../../data/any_value.ts";
import { LogRecord } from "../../data/log_record.ts";
import type { InstrumentationScope } from "../../data/resource.ts";
import { EMPTY_RESOURCE, EMPTY_SCOPE, Resource } from "../../data/resource.ts";
import type { HrTime } from "../../data/time.ts";
import type { Entry } from "./operator.ts";

/** Resources that operators made; beyond it all are made anew. */
const RESOURCES_MAX = 1000;
const SCOPES_MAX = 1000;

export class RecordMaker {
  readonly #resources = new Map<string, Resource>();
  readonly #scopes = new Map<string, InstrumentationScope>();
  #scope = EMPTY_SCOPE;
  #lastResource: { readonly from: AnyValueMap; readonly made: Resource };

  /** `resource` is what entries begin with. */
  constructor(resource: AnyValueMap) {
    const made = Object.keys(resource).length === 0 ? EMPTY_RESOURCE : new Resource(resource);
    this.#lastResource = { from: resource, made };
    this.#resources.set(JSON.stringify(resource), made);
  }

  make(entry: Entry, observed: HrTime): LogRecord {
    return new LogRecord({
      hrTime: entry.hrTime,
      hrTimeObserved: observed,
      severityNumber: entry.severityNumber,
      severityText: entry.severityText,
      body: entry.body,
      attributes: entry.attributes,
      spanContext: entry.spanContext,
      resource: this.#resourceOf(entry.resource),
      instrumentationScope: this.#scopeOf(entry.scopeName),
    });
  }

  #scopeOf(name: string): InstrumentationScope {
    if (name === "") return EMPTY_SCOPE;
    if (name !== this.#scope.name) this.#scope = this.#scopes.get(name) ?? { name };
    if (this.#scopes.size >= SCOPES_MAX) this.#scopes.clear();
    this.#scopes.set(name, this.#scope);
    return this.#scope;
  }

  #resourceOf(attributes: AnyValueMap): Resource {
    if (attributes === this.#lastResource.from) return this.#lastResource.made;
    const key = JSON.stringify(attributes, exactIntegers);
    let made = this.#resources.get(key);
    if (made === undefined) {
      if (this.#resources.size >= RESOURCES_MAX) this.#resources.clear();
      made = new Resource(attributes);
      this.#resources.set(key, made);
    }
    this.#lastResource = { from: attributes, made };
    return made;
  }
}

function exactIntegers(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
