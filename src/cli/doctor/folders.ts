/**
 * The folders that the agent writes: can it, does a sync work, how much room is left, and who else
 * may look. One small file is written, synced and removed in each folder that exists.
 */
import { constants } from "node:fs";
import { access, open, realpath, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { CheckedConfig } from "../../../config/load.ts";
import { describeError } from "../../component/errors.ts";
import { exposedMode } from "../../lib/exposed_file.ts";
import { acquireLock } from "../../lib/lock_file.ts";
import { secretFiles } from "../../secret_files.ts";
import type { Finding } from "./finding.ts";
import { ok, problem, warning } from "./finding.ts";

const FREE_BYTES_MIN = 1024 ** 3;
const FREE_FILES_MIN = 1000;

/** Magic numbers of statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: "ext4",
  1481003842: "xfs",
  2435016766: "btrfs",
  801189825: "zfs",
  2035054128: "overlay",
  16914836: "tmpfs",
  26985: "nfs",
  4283649346: "cifs",
  1702057286: "fuse",
};
/** On these a power loss, or the end of the container, can take what was synced. */
const FORGETFUL = new Set(["tmpfs", "overlay"]);

export interface Folder {
  readonly key: string;
  readonly path: string;
  /** Only the agent's user may look into it. */
  readonly isPrivate: boolean;
}

export function foldersOf(config: CheckedConfig): Folder[] {
  const folders: Folder[] = [
    { key: "service.state_directory", path: config.service.stateDirectory, isPrivate: true },
  ];
  for (const [id, { directory }] of config.fileStorages) {
    folders.push({ key: `extensions.${id}.directory`, path: directory, isPrivate: true });
  }
  for (const [id, { config: settings }] of config.exporters) {
    const { directory } = settings as { directory?: unknown };
    if (typeof directory !== "string") continue;
    folders.push({ key: `exporters.${id}.directory`, path: directory, isPrivate: false });
  }
  return folders;
}

export async function checkFolder({ key, path, isPrivate }: Folder): Promise<Finding[]> {
  const check = "folders";
  const name = `${key} ${path}`;
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) return [await checkMissing(name, path)];
  if (!stats.isDirectory())
    return [problem(check, `${name} is no folder`, `move it away: ${path}`)];
  try {
    await writeAndSync(path);
  } catch (error) {
    const fix = `give it to the agent's user: chown -R USER ${path}`;
    return [problem(check, `${name} cannot be written (${describeError(error)})`, fix)];
  }
  const findings = [await checkRoom(name, path)];
  const mode = stats.mode & 0o777;
  if (isPrivate && (mode & 0o077) !== 0) {
    const message = `${name} has mode ${mode.toString(8)}, others may look into it`;
    findings.push(problem(check, message, `chmod 700 ${path}`));
  } else if ((mode & 0o002) !== 0) {
    const message = `${name} has mode ${mode.toString(8)}, others may write into it`;
    findings.push(problem(check, message, `chmod o-w ${path}`));
  }
  return findings;
}

/** Everybody's access to the keys that the configuration names; `run` refuses it, too. */
export async function checkSecrets(config: CheckedConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  const files = secretFiles(config);
  for (const { key, path } of files) {
    const mode = await exposedMode(path);
    const isReadable = await canRead(path);
    if (mode !== undefined) {
      const message = `${key}: everybody can use ${path} (mode ${mode.toString(8)})`;
      findings.push(problem("secrets", message, `chmod go-rwx ${path}, and make a new key`));
    } else if (!isReadable) {
      const fix = "make it, or let the agent's user read it";
      findings.push(problem("secrets", `${key}: ${path} cannot be read`, fix));
    }
  }
  if (findings.length > 0) return findings;
  return [ok("secrets", files.length === 0 ? "no key file is named" : `${files.length} private`)];
}

/** Whether an agent runs on this state directory now. */
export async function isRunning(config: CheckedConfig): Promise<boolean> {
  const path = join(config.service.stateDirectory, "lock");
  if ((await stat(path).catch(() => undefined)) === undefined) return false;
  try {
    await (await acquireLock(path)).release();
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "storage.locked";
  }
}

async function checkMissing(name: string, path: string): Promise<Finding> {
  let parent = dirname(resolve(path));
  while ((await stat(parent).catch(() => undefined)) === undefined) parent = dirname(parent);
  try {
    await access(parent, constants.W_OK | constants.X_OK);
    return ok("folders", `${name} will be made`);
  } catch {
    const fix = `mkdir -p ${path}, and give it to the agent's user`;
    return problem("folders", `${name} is missing, and ${parent} cannot be written`, fix);
  }
}

async function writeAndSync(directory: string): Promise<void> {
  const path = join(await realpath(directory), `.doctor-${process.pid}.tmp`);
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile("vouchsafe doctor\n");
    await handle.sync();
  } finally {
    await handle.close();
    await rm(path, { force: true });
  }
}

async function checkRoom(name: string, path: string): Promise<Finding> {
  const { type, bavail, bsize, ffree, files } = await statfs(path);
  const fileSystem = FILE_SYSTEMS[type] ?? `file system 0x${type.toString(16)}`;
  const freeBytes = bavail * bsize;
  const free = `${(freeBytes / 1e9).toFixed(1)} GB free`;
  const message = `${name} on ${fileSystem}, synced, ${free}`;
  if (freeBytes < FREE_BYTES_MIN) {
    return warning("folders", message, "make room: the agent stops reading on a full disk");
  }
  // Some file systems have no fixed number of files and tell 0 of 0.
  if (files > 0 && ffree < FREE_FILES_MIN) {
    return warning("folders", `${message}, ${ffree} files left`, "remove small files");
  }
  if (FORGETFUL.has(fileSystem)) {
    return warning("folders", message, "put it on a disk or a volume that outlives a restart");
  }
  return ok("folders", message);
}

async function canRead(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
