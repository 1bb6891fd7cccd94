/**
 * `service.pipelines`: every id in them is defined, everything that is defined is used, and each
 * processor may stand where it stands.
 */
import type { AnyFactory } from "../src/component/factory.ts";
import type { PipelinePlan } from "../src/pipeline/graph.ts";
import type { ComponentSection, Declared, DeclaredComponents } from "./check_components.ts";
import { COMPONENT_SECTIONS, singular } from "./check_components.ts";
import { ID_HELP, joinId, parseId } from "./component_id.ts";
import type { Problems } from "./diagnostics.ts";
import type { Factories } from "./factories.ts";
import { detectorOf, findFactory } from "./factories.ts";
import type { ConfigNode, MapNode, Path } from "./node.ts";
import { describeKind, keyPlaceOf, nodeAt, placeOf } from "./node.ts";
import { checkSchema } from "./schema_check.ts";
import { pipelineSchema } from "./service.ts";
import { closest } from "./suggest.ts";

const PIPELINES = ["service", "pipelines"] as const;
const OTHER_SIGNALS = ["metrics", "traces", "profiles"];

export function checkPipelines(
  root: MapNode,
  declared: DeclaredComponents,
  factories: Factories,
  problems: Problems,
): PipelinePlan[] {
  return new PipelineCheck(root, declared, factories, problems).run();
}

class PipelineCheck {
  readonly #root: MapNode;
  readonly #declared: DeclaredComponents;
  readonly #factories: Factories;
  readonly #problems: Problems;
  readonly #used: Readonly<Record<ComponentSection, Set<string>>> = {
    receivers: new Set(),
    processors: new Set(),
    exporters: new Set(),
  };

  constructor(
    root: MapNode,
    declared: DeclaredComponents,
    factories: Factories,
    problems: Problems,
  ) {
    this.#root = root;
    this.#declared = declared;
    this.#factories = factories;
    this.#problems = problems;
  }

  run(): PipelinePlan[] {
    const node = nodeAt(this.#root, PIPELINES);
    if (node?.kind !== "map" || node.entries.size === 0) {
      this.#reportNone(node);
      return [];
    }
    const plans: PipelinePlan[] = [];
    for (const id of node.entries.keys()) {
      const plan = this.#pipeline(id);
      if (plan !== undefined) plans.push(plan);
    }
    for (const section of COMPONENT_SECTIONS) this.#reportUnused(section);
    return plans;
  }

  #reportNone(node: ConfigNode | undefined): void {
    const place = placeOf(this.#root, PIPELINES);
    const isEmpty = node === undefined || node.kind === "map" || describeKind(node) === "nothing";
    const message = isEmpty
      ? "there is no pipeline; add one, such as logs: { receivers: [...], exporters: [...] }"
      : `expected a map of pipelines, got ${describeKind(node)}`;
    this.#problems.error(place, PIPELINES, message);
  }

  #pipeline(id: string): PipelinePlan | undefined {
    const path = [...PIPELINES, id];
    const parsed = parseId(id);
    if (parsed?.type !== "logs") {
      this.#reportSignal(id, parsed?.type ?? "", path);
      return undefined;
    }
    const checked = checkSchema(pipelineSchema, {
      root: this.#root,
      path,
      problems: this.#problems,
    });
    // A list that has a fault of its own still names components, which are in use then.
    const lists = (section: ComponentSection): string[] => this.#references(section, path);
    const plan = {
      id,
      receivers: lists("receivers"),
      processors: lists("processors"),
      exporters: lists("exporters"),
    };
    if (checked === undefined) return undefined;
    this.#checkPositions(plan, path);
    return plan;
  }

  #reportSignal(id: string, type: string, path: Path): void {
    const place = keyPlaceOf(this.#root, path);
    const suggestion = closest(type, ["logs"]);
    if (OTHER_SIGNALS.includes(type)) {
      this.#problems.error(place, path, `this agent handles logs, not ${type}`);
    } else if (type === "") {
      this.#problems.error(place, path, `is not a pipeline id; ${ID_HELP}`);
    } else {
      const message = "a pipeline is named logs or logs/name";
      const name = parseId(id)?.name ?? "";
      const meant = suggestion === undefined ? undefined : joinId(suggestion, name);
      this.#problems.error(place, path, message, { suggestion: meant });
    }
  }

  /** Canonical ids of one list of a pipeline; what is wrong with an entry is reported. */
  #references(section: ComponentSection, pipeline: Path): string[] {
    const list = nodeAt(this.#root, [...pipeline, section]);
    if (list?.kind !== "list") return [];
    const ids: string[] = [];
    for (const [index, item] of list.items.entries()) {
      if (item.kind !== "scalar" || typeof item.value !== "string" || item.unknown) continue;
      const path = [...pipeline, section, index];
      const id = this.#resolve(section, item.value, path);
      if (id === undefined) continue;
      if (ids.includes(id)) {
        const message = `${item.value} stands twice in this list`;
        this.#problems.error(item.place, path, message, { showIdentifier: true });
      } else {
        ids.push(id);
        this.#used[section].add(id);
      }
    }
    return ids;
  }

  #resolve(section: ComponentSection, written: string, path: Path): string | undefined {
    const parsed = parseId(written);
    const place = placeOf(this.#root, path);
    if (parsed === undefined) {
      this.#problems.error(place, path, `is not a component id; ${ID_HELP}`);
      return undefined;
    }
    const declared: ReadonlyMap<string, Declared> = this.#declared[section];
    const id = joinId(this.#canonicalType(section, parsed.type), parsed.name);
    if (declared.has(id)) return id;
    const elsewhere = COMPONENT_SECTIONS.find((other) =>
      this.#declared[other].has(joinId(this.#canonicalType(other, parsed.type), parsed.name)),
    );
    // It is written there with a fault that was reported; a second report would not help.
    if (nodeAt(this.#root, [section, written]) !== undefined) return undefined;
    const suggestion =
      elsewhere === undefined ? closest(written, [...declared.values()].map(wordOf)) : undefined;
    // What was meant is not told a second time as unused.
    for (const [key, { written: name }] of declared) {
      if (name === suggestion) this.#used[section].add(key);
    }
    const message =
      elsewhere === undefined
        ? `there is no ${singular(section)} with the id ${written}`
        : `${written} is ${withArticle(singular(elsewhere))} and cannot stand under ${section}`;
    this.#problems.error(place, path, message, { suggestion, showIdentifier: true });
    return undefined;
  }

  #canonicalType(section: ComponentSection, type: string): string {
    return findFactory<AnyFactory>(this.#factories[section], type)?.type ?? type;
  }

  #checkPositions(plan: PipelinePlan, pipeline: Path): void {
    const typesOf = (section: ComponentSection, ids: readonly string[]): string[] =>
      ids.map((id) => this.#declared[section].get(id)!.id.type);
    const types = typesOf("processors", plan.processors);
    const exporters = typesOf("exporters", plan.exporters);
    const createDetector = detectorOf(this.#factories);
    const base = { pipeline: plan.id, exporters, createDetector };
    for (const id of plan.receivers) {
      const component = this.#declared.receivers.get(id)?.component;
      const position = { ...base, before: [], after: types };
      const message = component?.factory.checkPosition?.(component.config as never, position);
      this.#reportPosition("receivers", id, pipeline, message);
    }
    for (const [index, id] of plan.processors.entries()) {
      const component = this.#declared.processors.get(id)?.component;
      const position = { ...base, before: types.slice(0, index), after: types.slice(index + 1) };
      const message = component?.factory.checkPosition?.(component.config as never, position);
      this.#reportPosition("processors", id, pipeline, message);
    }
  }

  #reportPosition(
    section: ComponentSection,
    id: string,
    pipeline: Path,
    message: string | undefined,
  ): void {
    if (message === undefined) return;
    const path = [...pipeline, section, this.#indexOf(section, pipeline, id)];
    this.#problems.error(placeOf(this.#root, path), path, message, { showIdentifier: true });
  }

  /** Index in the list of the file, which may hold entries that were left out of the plan. */
  #indexOf(section: ComponentSection, pipeline: Path, id: string): number {
    const list = nodeAt(this.#root, [...pipeline, section]);
    if (list?.kind !== "list") return 0;
    return list.items.findIndex((item) => {
      const parsed = item.kind === "scalar" ? parseId(String(item.value)) : undefined;
      return parsed && joinId(this.#canonicalType(section, parsed.type), parsed.name) === id;
    });
  }

  #reportUnused(section: ComponentSection): void {
    for (const [id, { written }] of this.#declared[section]) {
      if (this.#used[section].has(id)) continue;
      const path = [section, written];
      const message = "is in no pipeline, so it is not started";
      this.#problems.warning(keyPlaceOf(this.#root, path), path, message);
    }
  }
}

function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

function wordOf({ written }: Declared): string {
  return written;
}
