/** `extensions` and `service` but for the pipelines: health, storage, state and telemetry. */
import type { z } from "zod";
import type { AuthenticatorConfig } from "../src/lib/auth/config.ts";
import { basicAuthSchema, bearerTokenSchema } from "../src/lib/auth/config.ts";
import { entryKeys } from "./check_components.ts";
import { ID_HELP, joinId, parseId } from "./component_id.ts";
import type { Problems } from "./diagnostics.ts";
import type { MapNode, Path } from "./node.ts";
import { keyPlaceOf, nodeAt, placeOf } from "./node.ts";
import { checkSchema } from "./schema_check.ts";
import type { Endpoint, ExtensionType, LogLevel } from "./service.ts";
import {
  extensionSchemas,
  fileStorageSchema,
  healthCheckSchema,
  parseEndpoint,
  serviceSchema,
} from "./service.ts";
import { closest } from "./suggest.ts";

/** Used when no configuration names another one. */
const HEALTH_CHECK_DEFAULT: Endpoint = parseEndpoint("localhost:13133")!;

export interface ServiceConfig {
  readonly stateDirectory: string;
  readonly telemetry: {
    readonly logs: { readonly level: LogLevel };
    /** Undefined: no metrics are served. */
    readonly metrics: Endpoint | undefined;
  };
  /** age recipients by role. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  /** Undefined: a `health_check` is declared but not switched on in `service.extensions`. */
  readonly healthCheck: Endpoint | undefined;
}

export interface FileStorage {
  readonly directory: string;
}

export interface CheckedService {
  /** Undefined when something in it is wrong or unknown. */
  readonly service: ServiceConfig | undefined;
  readonly fileStorages: ReadonlyMap<string, FileStorage>;
  readonly authenticators: ReadonlyMap<string, AuthenticatorConfig>;
}

export function checkService(root: MapNode, problems: Problems): CheckedService {
  const declared = declaredExtensions(root, problems);
  const enabled = enabledExtensions(root, declared, problems);
  const fileStorages = new Map<string, FileStorage>();
  const authenticators = new Map<string, AuthenticatorConfig>();
  let healthCheck = hasType(declared, "health_check") ? undefined : HEALTH_CHECK_DEFAULT;
  for (const [id, { type, path }] of declared) {
    if (!enabled.has(id)) {
      const message =
        type === "health_check"
          ? "is not listed in service.extensions, so no health is served"
          : "is not listed in service.extensions, so it is not used";
      problems.warning(keyPlaceOf(root, path), path, message);
    }
    const check = { root, path, problems };
    if (type === "file_storage") {
      const storage = checkSchema(fileStorageSchema, check);
      if (storage && enabled.has(id)) fileStorages.set(id, { directory: storage.value.directory });
    } else if (type === "bearertokenauth") {
      const auth = checkSchema(bearerTokenSchema, check);
      if (auth && enabled.has(id)) authenticators.set(id, { type, config: auth.value });
    } else if (type === "basicauth") {
      const auth = checkSchema(basicAuthSchema, check);
      if (auth && enabled.has(id)) authenticators.set(id, { type, config: auth.value });
    } else {
      const health = checkSchema(healthCheckSchema, check);
      if (health && enabled.has(id)) healthCheck = health.value.endpoint;
    }
  }
  reportSecondHealthCheck(root, declared, enabled, problems);
  const service = checkSettings(root, problems);
  if (service === undefined) return { service: undefined, fileStorages, authenticators };
  const { metrics, logs } = service.telemetry;
  return {
    service: {
      stateDirectory: service.state_directory,
      telemetry: { logs: { level: logs.level }, metrics: metricsEndpoint(metrics) },
      roles: service.roles,
      healthCheck,
    },
    fileStorages,
    authenticators,
  };
}

type Settings = z.output<typeof serviceSchema>;

function metricsEndpoint(metrics: Settings["telemetry"]["metrics"]): Endpoint | undefined {
  return metrics.level === "none" ? undefined : metrics.readers[0]!.pull.exporter.prometheus;
}

function unusedTelemetry(path: Path): string | undefined {
  if (path[1] !== "telemetry") return undefined;
  return "this agent has no use for this key of the telemetry section; remove it";
}

function checkSettings(root: MapNode, problems: Problems): Settings | undefined {
  const path = ["service"];
  const section = root.entries.get("service");
  // The pipelines are checked on their own, so that a mistake here does not hide one there.
  const without = new Map(section?.value.kind === "map" ? section.value.entries : []);
  without.delete("pipelines");
  const keyPlace = section?.keyPlace ?? root.place;
  const value = section?.value.kind === "map" || section === undefined ? undefined : section.value;
  const settings: MapNode = {
    ...root,
    entries: new Map([
      ["service", { keyPlace, value: value ?? { kind: "map", place: keyPlace, entries: without } }],
    ]),
  };
  const check = { root: settings, path, problems, unknownKeyMessage: unusedTelemetry };
  return checkSchema(serviceSchema, check)?.value;
}

interface DeclaredExtension {
  readonly type: ExtensionType;
  readonly path: Path;
}

function declaredExtensions(root: MapNode, problems: Problems): Map<string, DeclaredExtension> {
  const declared = new Map<string, DeclaredExtension>();
  const known = Object.keys(extensionSchemas);
  for (const id of entryKeys(root, "extensions", problems)) {
    const path = ["extensions", id];
    const place = keyPlaceOf(root, path);
    const parsed = parseId(id);
    if (parsed === undefined) {
      problems.error(place, path, `is not a component id; ${ID_HELP}`);
    } else if (known.includes(parsed.type)) {
      declared.set(id, { type: parsed.type as ExtensionType, path });
    } else {
      const near = closest(parsed.type, known);
      const suggestion = near === undefined ? undefined : joinId(near, parsed.name);
      const message = `unknown type of extension: "${parsed.type}"`;
      const hint = near === undefined ? `; there are ${known.join(", ")}` : "";
      problems.error(place, path, message + hint, { suggestion });
    }
  }
  return declared;
}

function hasType(declared: Map<string, DeclaredExtension>, wanted: ExtensionType): boolean {
  return declared.values().some(({ type }) => type === wanted);
}

function enabledExtensions(
  root: MapNode,
  declared: ReadonlyMap<string, DeclaredExtension>,
  problems: Problems,
): Set<string> {
  const enabled = new Set<string>();
  const list = nodeAt(root, ["service", "extensions"]);
  if (list?.kind !== "list") return enabled;
  for (const [index, item] of list.items.entries()) {
    if (item.kind !== "scalar" || typeof item.value !== "string" || item.unknown) continue;
    const path = ["service", "extensions", index];
    enabled.add(item.value);
    // Declared with a fault that was reported is declared.
    if (nodeAt(root, ["extensions", item.value]) !== undefined) continue;
    const message =
      parseId(item.value) === undefined
        ? `is not a component id; ${ID_HELP}`
        : `there is no extension with the id ${item.value}`;
    const suggestion = closest(item.value, declared.keys());
    problems.error(item.place, path, message, { suggestion, showIdentifier: true });
  }
  return enabled;
}

function reportSecondHealthCheck(
  root: MapNode,
  declared: ReadonlyMap<string, DeclaredExtension>,
  enabled: ReadonlySet<string>,
  problems: Problems,
): void {
  const checks = [...declared].filter(
    ([id, { type }]) => type === "health_check" && enabled.has(id),
  );
  for (const [, { path }] of checks.slice(1)) {
    problems.error(keyPlaceOf(root, path), path, "there can be only one health_check");
  }
}

/** Where components of a section name an extension, and what kind it has to be. */
export interface ReferencePlace {
  readonly section: string;
  readonly keys: readonly string[];
  readonly kind: "file_storage" | "authenticator";
}

/** An id at such a place must be that of an extension of the kind, and one that is switched on. */
export function checkReferences(
  root: MapNode,
  { section, keys, kind }: ReferencePlace,
  known: ReadonlyMap<string, unknown>,
  problems: Problems,
): void {
  const components = root.entries.get(section)?.value;
  if (components?.kind !== "map") return;
  for (const id of components.entries.keys()) {
    const path = [section, id, ...keys];
    const node = nodeAt(root, path);
    if (node?.kind !== "scalar" || typeof node.value !== "string" || node.unknown) continue;
    if (known.has(node.value)) continue;
    const isDeclared = nodeAt(root, ["extensions", node.value]) !== undefined;
    const message = isDeclared
      ? `this extension is no ${kind} that is listed in service.extensions`
      : `there is no ${kind} extension with this id`;
    const suggestion = isDeclared ? undefined : closest(node.value, known.keys());
    problems.error(placeOf(root, path), path, message, { suggestion, showIdentifier: true });
  }
}
