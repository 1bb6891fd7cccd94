/** Whether other users of this machine can get at a file or folder that holds a secret. */
import { stat } from "node:fs/promises";

/** Read or written by everybody. The group may: it is how services are handed their TLS keys. */
const EVERYBODY = 0o006;

/**
 * The permission bits of a file that everybody can read or write; undefined when it is not so, or
 * when there is no such file. A symbolic link counts as what it leads to.
 */
export async function exposedMode(path: string): Promise<number | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined || (stats.mode & EVERYBODY) === 0) return undefined;
  return stats.mode & 0o777;
}
