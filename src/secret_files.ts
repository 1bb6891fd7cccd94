/**
 * The files with secrets that a configuration names, found by the names of their keys, so that a new
 * component is covered, too.
 *
 * Invariant: the agent does not start while everybody on the machine can read or write one of them.
 * Components are stricter with the keys that only they use.
 */
import type { CheckedConfig } from "../config/load.ts";
import { AgentError } from "./component/errors.ts";
import { exposedMode } from "./lib/exposed_file.ts";

export interface SecretFile {
  /** The key that names it, such as `exporters.otlp_http.tls.key_file`. */
  readonly key: string;
  readonly path: string;
}

/** `key_file`, `hash_key_file`, `signing_key_file`, and the folder of token keys. */
const SECRET_KEY = /(^|[._])key_file$|\.keys\.directory$/;

export function secretFiles(config: CheckedConfig): SecretFile[] {
  return settingsOf(config).flatMap(({ key, value }) =>
    typeof value === "string" && SECRET_KEY.test(key) ? [{ key, path: value }] : [],
  );
}

/** @throws AgentError `storage.insecure` */
export async function requirePrivateSecrets(config: CheckedConfig): Promise<void> {
  for (const { key, path } of secretFiles(config)) {
    const mode = await exposedMode(path);
    if (mode === undefined) continue;
    throw new AgentError(
      "storage.insecure",
      `${key}: everybody can use ${path} (mode ${mode.toString(8)}); run: chmod go-rwx ${path}`,
    );
  }
}

export interface Setting {
  /** Dotted path from the root, with `/name` of a component as it is written. */
  readonly key: string;
  /** Text, number, truth, or an object that is a whole value. */
  readonly value: unknown;
}

/** Every value of every component that the pipelines use, containers before what they hold. */
export function settingsOf(config: CheckedConfig): Setting[] {
  const found: Setting[] = [];
  for (const section of ["receivers", "processors", "exporters"] as const) {
    for (const [id, component] of config[section]) {
      collect(component.config, `${section}.${id}`, found);
    }
  }
  return found;
}

function collect(value: unknown, key: string, found: Setting[]): void {
  found.push({ key, value });
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) collect(item, `${key}[${index}]`, found);
  } else if (isPlain(value)) {
    for (const [name, item] of Object.entries(value)) collect(item, `${key}.${name}`, found);
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && value.constructor === Object;
}
