/** The table of a schema's options as Markdown: key, type, default, description; one row a key. */
import type { z } from "zod";
import type { JsonSchema } from "../schema_keys.ts";
import { inputJsonSchema } from "../schema_keys.ts";

const DEPTH_MAX = 8;
const DEFAULT_LENGTH_MAX = 60;

export function optionTable(schema: z.ZodType): string {
  const root = inputJsonSchema(schema);
  const rows = new RowWriter(root).rows;
  if (rows.length === 0) return "It has no options.\n";
  return `| key | type | default | description |\n|---|---|---|---|\n${rows.join("")}`;
}

interface Row {
  /** Dotted, below the value whose keys are told. */
  readonly path: string;
  readonly cells: string;
}

interface Variant {
  readonly key: string;
  readonly value: string;
}

class RowWriter {
  readonly rows: string[];
  readonly #root: JsonSchema;

  constructor(root: JsonSchema) {
    this.#root = root;
    const rows = this.#formsOf(root).flatMap((form) => this.#properties(form, 0));
    this.rows = rows.map(({ path, cells }) => `| \`${path}\` ${cells}\n`);
  }

  #properties(schema: JsonSchema, depth: number): Row[] {
    if (depth > DEPTH_MAX) return [];
    const variant = variantOf(schema);
    return Object.entries(schema.properties ?? {})
      .filter(([key]) => key !== variant?.key)
      .flatMap(([key, value]) => [
        ...this.#row(key, value as JsonSchema, schema.required?.includes(key) === true),
        ...(isToldElsewhere(value as JsonSchema)
          ? []
          : under(key, this.#below(value as JsonSchema, depth + 1))),
      ]);
  }

  /** Rows for what is inside of a value: the keys of a map, of the maps in a list, of variants. */
  #below(schema: JsonSchema, depth: number): Row[] {
    const forms = this.#formsOf(schema);
    const maps = forms.filter(({ properties }) => properties !== undefined);
    const rows = under(".", this.#variants(maps, depth));
    for (const form of forms) {
      const isOpen = typeof form.additionalProperties === "object" && form.properties === undefined;
      if (isOpen) {
        rows.push(...under(".*", this.#below(form.additionalProperties as JsonSchema, depth)));
      }
      if (form.items !== undefined) {
        rows.push(...under("[]", this.#below(form.items as JsonSchema, depth)));
      }
    }
    return rows;
  }

  /** A key that several variants have in common gets one row, which names them unless it is all. */
  #variants(maps: readonly JsonSchema[], depth: number): Row[] {
    const variants = new Map<string, { row: Row; names: string[] }>();
    for (const map of maps) {
      const name = variantOf(map)?.value ?? "";
      for (const row of this.#properties(map, depth)) {
        const key = `${row.path} ${row.cells}`;
        const known = variants.get(key);
        if (known === undefined) variants.set(key, { row, names: [name] });
        else known.names.push(name);
      }
    }
    const rows = [...variants.values()].map(({ row, names }) => {
      const isCommon = names.length === maps.length || names.includes("");
      return isCommon ? row : { ...row, cells: `(${names.join(", ")}) ${row.cells}` };
    });
    const kinds = maps.map(variantOf).filter((variant) => variant !== undefined);
    if (maps.length < 2 || kinds.length < maps.length) return rows;
    const options = { type: "string", enum: kinds.map(({ value }) => value) } as const;
    return [...this.#row(kinds[0]!.key, options, true), ...rows];
  }

  #row(path: string, schema: JsonSchema, required: boolean): Row[] {
    // A map that says nothing about itself is told by the rows of its keys.
    if (schema.properties !== undefined && schema.description === undefined) return [];
    const cells = [
      this.#typeOf(schema),
      required ? "required" : defaultText(schema.default),
      schema.description ?? "",
    ];
    return [{ path, cells: `| ${cells.map(escapeCell).join(" | ")} |` }];
  }

  #typeOf(schema: JsonSchema): string {
    if (schema.title !== undefined) return schema.title;
    const names = this.#formsOf(schema).map((form) => this.#formName(form));
    return [...new Set(names)].filter((name) => name !== "").join(" or ");
  }

  #formName(form: JsonSchema): string {
    if (form.title !== undefined) return form.title;
    if (form.enum !== undefined) return form.enum.map(optionText).join(", ");
    if (form.const !== undefined) return optionText(form.const);
    switch (form.type) {
      case "string":
        return "text";
      case "integer":
        return "whole number";
      case "boolean":
        return "`true`, `false`";
      case "array":
        return form.items === undefined
          ? "list"
          : `list of ${this.#typeOf(form.items as JsonSchema)}`;
      case "object":
        return "map";
      default:
        return String(form.type ?? "any");
    }
  }

  /** The alternatives that a schema stands for, with references and choices resolved. */
  #formsOf(schema: JsonSchema, depth = 0): JsonSchema[] {
    if (depth > DEPTH_MAX) return [];
    const reference = schema.$ref?.match(/^#\/\$defs\/(.+)$/)?.[1];
    if (reference !== undefined) {
      return this.#formsOf(this.#root.$defs?.[reference] ?? {}, depth + 1);
    }
    const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
    if (choices.length === 0) return [schema];
    return choices.flatMap((choice) => this.#formsOf(choice as JsonSchema, depth + 1));
  }
}

function under(prefix: string, rows: readonly Row[]): Row[] {
  return rows.map(({ path, cells }) => ({ path: prefix + path, cells }));
}

/** The key whose one value tells a variant from the others. */
function variantOf(schema: JsonSchema): Variant | undefined {
  for (const [key, value] of Object.entries(schema.properties ?? {})) {
    const constant = (value as JsonSchema).const;
    if (typeof constant === "string") return { key, value: constant };
  }
  return undefined;
}

function optionText(option: unknown): string {
  return option === "" ? '`""`' : `\`${String(option)}\``;
}

/** Maps are told by the rows of their keys. */
function defaultText(value: unknown): string {
  if (value === undefined) return "";
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isMap) return "";
  const text = typeof value === "string" && value !== "" ? value : JSON.stringify(value);
  return text.length > DEFAULT_LENGTH_MAX ? "see description" : `\`${text}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ");
}

const MARKERS = /(<!-- options -->)[\s\S]*?(<!-- \/options -->)/;
const NOTE = "<!-- generated by npm run generate; do not edit -->";

/** Puts the table between the markers of a page. Undefined when the page has no markers. */
export function fillOptionTable(page: string, table: string): string | undefined {
  if (!MARKERS.test(page)) return undefined;
  return page.replace(
    MARKERS,
    (_, begin: string, end: string) => `${begin}\n${NOTE}\n\n${table}\n${end}`,
  );
}

/** Large parts that several components have in common are told in one of their tables. */
function isToldElsewhere(schema: JsonSchema): boolean {
  return schema.sameAs !== undefined;
}
