/** Which keys a schema knows at a place, read off its JSON Schema; for suggestions. */
import { z } from "zod";
import type { Path } from "./node.ts";

export type JsonSchema = z.core.JSONSchema.JSONSchema;

const schemas = new WeakMap<z.ZodType, JsonSchema>();

/** JSON Schema of what a user writes (before defaults and transformations). */
export function inputJsonSchema(schema: z.ZodType): JsonSchema {
  let json = schemas.get(schema);
  if (json === undefined) {
    json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
    schemas.set(schema, json);
  }
  return json;
}

export function knownKeys(schema: z.ZodType, path: Path): string[] {
  const root = inputJsonSchema(schema);
  let level = branchesOf(root, root);
  for (const step of path) level = level.flatMap((at) => childrenOf(at, step, root));
  return [...new Set(level.flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

function childrenOf(schema: JsonSchema, step: string | number, root: JsonSchema): JsonSchema[] {
  const children =
    typeof step === "number"
      ? [schema.prefixItems?.[step], schema.items]
      : [ownProperty(schema, step), schema.additionalProperties];
  return children.flatMap((child) => (isSchema(child) ? branchesOf(child, root) : []));
}

function ownProperty(schema: JsonSchema, key: string): unknown {
  return Object.hasOwn(schema.properties ?? {}, key) ? schema.properties?.[key] : undefined;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The schema itself, or the ones that a reference or a choice stands for. */
function branchesOf(schema: JsonSchema, root: JsonSchema): JsonSchema[] {
  const reference = schema.$ref?.match(/^#\/\$defs\/(.+)$/)?.[1];
  if (schema.$ref === "#") return [root];
  if (reference !== undefined) {
    const target = root.$defs?.[reference];
    return target === undefined ? [] : branchesOf(target, root);
  }
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...choices.flatMap((choice) => branchesOf(choice as JsonSchema, root))];
}
