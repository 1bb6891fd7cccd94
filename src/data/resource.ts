/**
 * Resource and instrumentation scope of log records.
 *
 * Invariant: objects are shared. Records of one origin hold the very same object, so that exporters
 * (ours and the official ones) group by identity. They are never changed once a record holds them.
 */
import type { RawResourceAttribute, Resource as SdkResource } from "@opentelemetry/resources";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { Attributes } from "./any_value.ts";

type SdkAttributes = SdkResource["attributes"];

/** A resource that the official exporters accept, with the OTLP fields that they do not know. */
export class Resource implements SdkResource {
  readonly attributes: SdkAttributes;
  readonly schemaUrl?: string;
  readonly droppedAttributesCount: number;

  constructor(attributes: Attributes, schemaUrl?: string, droppedAttributesCount = 0) {
    this.attributes = attributes as SdkAttributes;
    if (schemaUrl !== undefined && schemaUrl !== "") this.schemaUrl = schemaUrl;
    this.droppedAttributesCount = droppedAttributesCount;
  }

  merge(other: SdkResource | null): SdkResource {
    return resourceFromAttributes(
      { ...this.attributes, ...other?.attributes },
      { schemaUrl: other?.schemaUrl ?? this.schemaUrl ?? "" },
    );
  }

  getRawAttributes(): RawResourceAttribute[] {
    return Object.entries(this.attributes) as RawResourceAttribute[];
  }
}

/** OTLP `InstrumentationScope` and the `schema_url` of its `ScopeLogs`. */
export interface InstrumentationScope {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
  readonly attributes?: Attributes;
  readonly droppedAttributesCount?: number;
}

export const EMPTY_RESOURCE = new Resource({});
export const EMPTY_SCOPE: InstrumentationScope = { name: "" };
