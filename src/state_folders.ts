/**
 * Where components keep their state, and the locks that let one process at a time in there.
 *
 * Invariant: no two components share a folder, whatever their ids are.
 */
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import type { CheckedConfig } from "../config/load.ts";
import { AgentError, describeError } from "./component/errors.ts";
import type { ComponentId } from "./component/settings.ts";
import { formatComponentId } from "./component/settings.ts";
import { makePrivateDirectory } from "./lib/durable_file.ts";
import type { FileLock } from "./lib/lock_file.ts";
import { acquireLock } from "./lib/lock_file.ts";

/** Locks the state directory and the folder of each `file_storage` extension. */
export async function lockState({ service, fileStorages }: CheckedConfig): Promise<FileLock> {
  const locks = new Map<string, FileLock>();
  const release = async (): Promise<void> => {
    for (const lock of locks.values()) await lock.release();
  };
  const lockFolder = async (key: string, directory: string): Promise<void> => {
    const folder = await privateFolder(key, directory);
    if (!locks.has(folder)) locks.set(folder, await acquireLock(join(folder, "lock")));
  };
  try {
    await lockFolder("service.state_directory", service.stateDirectory);
    for (const [id, { directory }] of fileStorages) {
      await lockFolder(`extensions.${id}.directory`, directory);
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

/** Makes the folder that the key of the configuration names, and gives its one true path. */
async function privateFolder(key: string, directory: string): Promise<string> {
  try {
    await makePrivateDirectory(directory);
    return await realpath(directory);
  } catch (cause) {
    const message = `${key} ${directory} cannot be made or used (${describeError(cause)})`;
    throw new AgentError("storage.unwritable", message, { cause });
  }
}

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

/** Below the root: the folder of the component, and for a processor that of its pipeline. */
function stateFolders(id: ComponentId, pipeline: string | undefined): string[] {
  const own = id.name === "" ? id.type : `${id.type}~${folderName(id.name)}`;
  return pipeline === undefined ? [own] : [own, folderName(pipeline)];
}

/** Folders keep the harmless characters of an id and escape the rest. */
function folderName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, (char) => `~${char.codePointAt(0)!.toString(16)}`);
}
