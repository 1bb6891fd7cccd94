/**
 * The sections `receivers`, `processors` and `exporters`: every entry has a known type and a
 * configuration that its factory's schema accepts.
 */
import type {
  AnyExporterFactory,
  AnyFactory,
  AnyProcessorFactory,
  AnyReceiverFactory,
} from "../src/component/factory.ts";
import type { ComponentId, ComponentKind } from "../src/component/settings.ts";
import type { ConfiguredComponent } from "../src/pipeline/graph.ts";
import type { ParsedId } from "./component_id.ts";
import { ID_HELP, joinId, parseId } from "./component_id.ts";
import type { Problems } from "./diagnostics.ts";
import type { Factories } from "./factories.ts";
import { findFactory, namesOf } from "./factories.ts";
import type { MapNode } from "./node.ts";
import { describeKind, keyPlaceOf, placeOf } from "./node.ts";
import { checkSchema } from "./schema_check.ts";
import { closest } from "./suggest.ts";

export const COMPONENT_SECTIONS = ["receivers", "processors", "exporters"] as const;
export type ComponentSection = (typeof COMPONENT_SECTIONS)[number];

/** A component as it stands in the file; `id` is canonical, `written` may use an alias. */
export interface Declared<Factory = AnyFactory> {
  readonly id: ComponentId;
  readonly written: string;
  readonly factory: Factory;
  /** Undefined when the configuration of the component is wrong. */
  readonly component: ConfiguredComponent<Factory> | undefined;
}

export interface DeclaredComponents {
  readonly receivers: ReadonlyMap<string, Declared<AnyReceiverFactory>>;
  readonly processors: ReadonlyMap<string, Declared<AnyProcessorFactory>>;
  readonly exporters: ReadonlyMap<string, Declared<AnyExporterFactory>>;
}

export function singular(section: ComponentSection): ComponentKind {
  return section.slice(0, -1) as ComponentKind;
}

export function checkComponents(
  root: MapNode,
  factories: Factories,
  problems: Problems,
): DeclaredComponents {
  const section = new SectionCheck(root, factories, problems);
  return {
    receivers: section.check("receivers", factories.receivers),
    processors: section.check("processors", factories.processors),
    exporters: section.check("exporters", factories.exporters),
  };
}

class SectionCheck {
  readonly #root: MapNode;
  readonly #factories: Factories;
  readonly #problems: Problems;

  constructor(root: MapNode, factories: Factories, problems: Problems) {
    this.#root = root;
    this.#factories = factories;
    this.#problems = problems;
  }

  check<Factory extends AnyFactory>(
    section: ComponentSection,
    factories: readonly Factory[],
  ): Map<string, Declared<Factory>> {
    const declared = new Map<string, Declared<Factory>>();
    for (const written of entryKeys(this.#root, section, this.#problems)) {
      const parsed = parseId(written);
      const factory = parsed && findFactory(factories, parsed.type);
      if (factory === undefined) {
        this.#reportType(section, written, parsed, namesOf(factories));
        continue;
      }
      const name = parsed?.name ?? "";
      const key = joinId(factory.type, name);
      const twin = declared.get(key);
      if (twin !== undefined) {
        const place = keyPlaceOf(this.#root, [section, written]);
        const message = `is the same component as ${twin.written}: both names mean ${key}`;
        this.#problems.error(place, [section, written], message);
        continue;
      }
      const id: ComponentId = { kind: factory.kind, type: factory.type, name };
      const checked = checkSchema(factory.configSchema, {
        root: this.#root,
        path: [section, written],
        problems: this.#problems,
      });
      const component = checked && { id, factory, config: checked.value };
      declared.set(key, { id, written, factory, component });
    }
    return declared;
  }

  #reportType(
    section: ComponentSection,
    written: string,
    parsed: ParsedId | undefined,
    known: readonly string[],
  ): void {
    const path = [section, written];
    const place = keyPlaceOf(this.#root, path);
    if (parsed === undefined) {
      this.#problems.error(place, path, `is not a component id; ${ID_HELP}`);
      return;
    }
    const { type, name } = parsed;
    for (const other of COMPONENT_SECTIONS) {
      if (findFactory<AnyFactory>(this.#factories[other], type) === undefined) continue;
      const message = `${type} is a type of ${singular(other)}; it belongs under ${other}:`;
      this.#problems.error(place, path, message);
      return;
    }
    const near = closest(type, known);
    const message = `unknown type of ${singular(section)}: "${type}"`;
    const hint = near === undefined ? `; there are ${known.join(", ")}` : "";
    const suggestion = near === undefined ? undefined : joinId(near, name);
    this.#problems.error(place, path, message + hint, { suggestion });
  }
}

/** The keys of a section that may be absent or empty. */
export function entryKeys(root: MapNode, section: string, problems: Problems): string[] {
  const node = root.entries.get(section)?.value;
  if (node === undefined || (node.kind === "scalar" && node.value === null)) return [];
  if (node.kind === "map") return [...node.entries.keys()];
  const message = `expected a map of component ids, got ${describeKind(node)}`;
  problems.error(placeOf(root, [section]), [section], message);
  return [];
}
