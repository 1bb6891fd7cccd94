/** Loads a configuration from texts instead of files. */
import { formatDiagnostic } from "../diagnostics.ts";
import type { LoadResult } from "../load.ts";
import { loadConfig } from "../load.ts";
import { smallFactories } from "./small_factories.ts";

export interface TextOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Files that `${file:...}` can name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly allowMissingEnv?: boolean;
}

/** The texts are the files `a.yaml`, `b.yaml`, ..., merged in this order. */
export function loadTexts(
  texts: readonly (string | Uint8Array)[],
  { env = {}, files = {}, allowMissingEnv = false }: TextOptions = {},
): Promise<LoadResult> {
  const names = texts.map((_, index) => `${String.fromCharCode(97 + index)}.yaml`);
  return loadConfig(names, {
    env,
    factories: smallFactories,
    allowMissingEnv,
    readFile: async (path) => {
      const content = texts[names.indexOf(path)] ?? files[path];
      if (content === undefined) throw Object.assign(new Error(path), { code: "ENOENT" });
      return typeof content === "string" ? new TextEncoder().encode(content) : content;
    },
  });
}

/** One line for each diagnostic. */
export async function messagesOf(
  texts: string | readonly (string | Uint8Array)[],
  options?: TextOptions,
): Promise<string[]> {
  const list = typeof texts === "string" ? [texts] : texts;
  return (await loadTexts(list, options)).diagnostics.map(formatDiagnostic);
}

export const VALID = `receivers:
  otlp:
    protocols: { http: }
exporters:
  debug:
service:
  pipelines:
    logs: { receivers: [otlp], exporters: [debug] }
`;
