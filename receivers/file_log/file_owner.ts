/** Who owns a file, by name, as the system's own tables say. */
import { readFile } from "node:fs/promises";

/** Tables larger than this are those of a directory service, which is not asked. */
const TABLE_BYTES_MAX = 1024 * 1024;

export interface Ownership {
  readonly owner: string;
  readonly group: string;
  /** Three octal digits, such as `640`. */
  readonly permissions: string;
}

/** A number that no table has a name for is given as it is. */
export async function ownershipOf(stats: {
  readonly uid: bigint;
  readonly gid: bigint;
  readonly mode: bigint;
}): Promise<Ownership> {
  const [owner, group] = await Promise.all([
    nameOf("/etc/passwd", String(stats.uid)),
    nameOf("/etc/group", String(stats.gid)),
  ]);
  const permissions = (Number(stats.mode) & 0o777).toString(8).padStart(3, "0");
  return { owner, group, permissions };
}

/** Both tables have lines of `name:password:number:...`. */
async function nameOf(table: string, id: string): Promise<string> {
  const text = await readFile(table, "utf8").catch(() => "");
  if (text.length > TABLE_BYTES_MAX) return id;
  for (const line of text.split("\n")) {
    const [name, , number] = line.split(":");
    if (number === id && name !== undefined && name !== "") return name;
  }
  return id;
}
