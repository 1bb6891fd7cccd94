/**
 * Shows every text of a record that an exporter would send to a visitor, and gives the record with
 * what the visitor made of them, or the very same record when all stay.
 *
 * Invariant: nothing is left out but `true`, `false`, empty values, bytes that are no UTF-8, times
 * and the ids of traces and spans. Throws what the visitor throws, and when nesting is too deep.
 */
import type { AnyValue, AnyValueMap, Attributes } from "../../src/data/any_value.ts";
import { Double, isAnyValueMap, setOwn } from "../../src/data/any_value.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import type { InstrumentationScope } from "../../src/data/resource.ts";
import { Resource } from "../../src/data/resource.ts";

export type Place = "body" | "attributes" | "resource" | "scope" | "event_name" | "severity_text";

/** `name` is the key that the text stands under, or "". Another text than `text` replaces it. */
export type Visit = (text: string, name: string, place: Place) => string;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class RecordWalk {
  readonly #visit: Visit;
  readonly #depthMax: number;
  readonly #looksAtOrigin: boolean;
  /** Records of one origin share these, so each is looked at once. */
  readonly #resources = new WeakMap<Resource, Resource>();
  readonly #scopes = new WeakMap<InstrumentationScope, InstrumentationScope>();
  #place: Place = "body";

  /** `looksAtOrigin`: resources and scopes, too. */
  constructor(visit: Visit, depthMax: number, looksAtOrigin: boolean) {
    this.#visit = visit;
    this.#depthMax = depthMax;
    this.#looksAtOrigin = looksAtOrigin;
  }

  walk(record: LogRecord): LogRecord {
    const body = this.#at("body", () => this.#value(record.body, "", 0));
    const attributes = this.#at("attributes", () => this.#map(record.attributes, 0));
    const eventName = this.#optional("event_name", record.eventName);
    const severityText = this.#optional("severity_text", record.severityText);
    const resource = this.#looksAtOrigin ? this.#resource(record.resource) : record.resource;
    const { instrumentationScope: given } = record;
    const instrumentationScope = this.#looksAtOrigin ? this.#scope(given) : given;
    if (
      body === record.body &&
      attributes === record.attributes &&
      eventName === record.eventName &&
      severityText === record.severityText &&
      resource === record.resource &&
      instrumentationScope === given
    ) {
      return record;
    }
    return new LogRecord({
      ...record,
      body,
      attributes,
      eventName,
      severityText,
      resource,
      instrumentationScope,
      droppedAttributesCount:
        record.droppedAttributesCount + missing(record.attributes, attributes),
    });
  }

  #at<Value>(place: Place, look: () => Value): Value {
    this.#place = place;
    return look();
  }

  #optional(place: Place, text: string | undefined): string | undefined {
    return text === undefined || text === "" ? text : this.#visit(text, "", place);
  }

  #resource(resource: Resource): Resource {
    const known = this.#resources.get(resource);
    if (known !== undefined) return known;
    const before = resource.attributes as Attributes;
    const after = this.#at("resource", () => this.#map(before, 0));
    const dropped = resource.droppedAttributesCount + missing(before, after);
    const seen = after === before ? resource : new Resource(after, resource.schemaUrl, dropped);
    this.#resources.set(resource, seen);
    return seen;
  }

  #scope(scope: InstrumentationScope): InstrumentationScope {
    const known = this.#scopes.get(scope);
    if (known !== undefined) return known;
    const name = this.#optional("scope", scope.name)!;
    const version = this.#optional("scope", scope.version);
    const before = scope.attributes;
    const attributes = before && this.#at("scope", () => this.#map(before, 0));
    const isSame =
      name === scope.name && version === scope.version && attributes === scope.attributes;
    const seen = isSame
      ? scope
      : {
          ...scope,
          name,
          ...(version !== undefined && { version }),
          ...(attributes !== undefined && { attributes }),
        };
    this.#scopes.set(scope, seen);
    return seen;
  }

  #value(value: AnyValue, name: string, depth: number): AnyValue {
    if (typeof value === "string") return value === "" ? value : this.#text(value, value, name);
    if (typeof value === "number" || typeof value === "bigint") {
      return this.#text(value, String(value), name);
    }
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Double) return this.#text(value, String(value.value), name);
    if (value instanceof Uint8Array) return this.#bytes(value, name);
    if (depth >= this.#depthMax) throw new Error("the value is nested too deep");
    if (Array.isArray(value)) return this.#list(value, name, depth);
    return isAnyValueMap(value) ? this.#map(value, depth) : value;
  }

  #text(original: AnyValue, text: string, name: string): AnyValue {
    const seen = this.#visit(text, name, this.#place);
    return seen === text ? original : seen;
  }

  /** Looked at as UTF-8, whatever else they hold. */
  #bytes(bytes: Uint8Array, name: string): AnyValue {
    return this.#text(bytes, utf8.decode(bytes), name);
  }

  #list(list: AnyValue[], name: string, depth: number): AnyValue[] {
    let copy: AnyValue[] | undefined;
    for (let index = 0; index < list.length; index++) {
      const seen = this.#value(list[index], name, depth + 1);
      if (seen === list[index]) continue;
      copy ??= [...list];
      copy[index] = seen;
    }
    return copy ?? list;
  }

  /** An entry goes when its key is not to stay as it is: no other key would mean the same. */
  #map(map: AnyValueMap, depth: number): AnyValueMap {
    let copy: AnyValueMap | undefined;
    for (const key in map) {
      const value = map[key];
      const isKept = key === "" || this.#visit(key, "", this.#place) === key;
      const seen = isKept ? this.#value(value, key, depth + 1) : undefined;
      if (isKept && seen === value) continue;
      copy ??= { ...map };
      if (isKept) setOwn(copy, key, seen);
      else delete copy[key];
    }
    return copy ?? map;
  }
}

function missing(before: Attributes, after: Attributes): number {
  return before === after ? 0 : Object.keys(before).length - Object.keys(after).length;
}
