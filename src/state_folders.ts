/**
 * Where a component's private files lie: below `service.state_directory`, or in the folder of the
 * `file_storage` extension that the component names.
 */
import { join } from "node:path";
import type { CheckedConfig } from "../config/load.ts";
import type { ComponentId } from "./component/settings.ts";
import { formatComponentId } from "./component/settings.ts";

/** The folder of one component; nothing is made. `pipeline` is set for a processor. */
export function componentFolder(
  config: CheckedConfig,
  id: ComponentId,
  pipeline?: string | undefined,
): string {
  return join(stateRoot(config, id), ...stateFolders(id, pipeline));
}

/** A component that names a `file_storage` extension keeps its state in that extension's folder. */
export function stateRoot(config: CheckedConfig, id: ComponentId): string {
  const section = config[`${id.kind}s` as "receivers" | "processors" | "exporters"];
  const settings = section.get(formatComponentId(id))?.config as NamesStorage | undefined;
  const name = settings?.storage ?? settings?.sending_queue?.storage;
  const storage = config.fileStorages.get(String(name));
  return storage?.directory ?? config.service.stateDirectory;
}

interface NamesStorage {
  readonly storage?: unknown;
  readonly sending_queue?: { readonly storage?: unknown };
}

function stateFolders(id: ComponentId, pipeline: string | undefined): string[] {
  const own = id.name === "" ? id.type : `${id.type}~${folderName(id.name)}`;
  return pipeline === undefined ? [own] : [own, folderName(pipeline)];
}

/** Folders keep the harmless characters of an id and escape the rest. */
function folderName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, (char) => `~${char.codePointAt(0)!.toString(16)}`);
}
