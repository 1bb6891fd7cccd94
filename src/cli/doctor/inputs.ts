/** The files that `file_log` would read now: how many, and whether the agent's user may. */
import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import type { CheckedConfig } from "../../../config/load.ts";
import type { FileLogConfig } from "../../../receivers/file_log/config.ts";
import { Discovery } from "../../../receivers/file_log/discovery.ts";
import type { ComponentLogger } from "../../component/settings.ts";
import type { Finding } from "./finding.ts";
import { ok, problem, warning } from "./finding.ts";

const NAMED_MAX = 3;
const quiet: ComponentLogger = { debug() {}, info() {}, warn() {}, error() {} };

/** `ownFolders`: what the agent writes; reading its own files would never end. */
export async function checkInputs(
  config: CheckedConfig,
  ownFolders: readonly string[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const own = await Promise.all(ownFolders.map((path) => realpath(path).catch(() => path)));
  for (const [id, { factory, config: settings }] of config.receivers) {
    if (factory.type !== "file_log") continue;
    findings.push(...(await checkReceiver(id, settings as FileLogConfig, own)));
  }
  return findings;
}

async function checkReceiver(
  id: string,
  settings: FileLogConfig,
  ownFolders: readonly string[],
): Promise<Finding[]> {
  const unlisted: string[] = [];
  const discovery = new Discovery(settings, quiet, (_message, path) => unlisted.push(path));
  const { paths } = await discovery.find(0);
  const files = await Promise.all([...paths].map(lookAt));
  const real = files.filter(({ kind }) => kind === "file");
  const findings: Finding[] = [];
  const name = (some: readonly string[]): string =>
    some.slice(0, NAMED_MAX).join(", ") + (some.length > NAMED_MAX ? ", ..." : "");
  const named = (kind: Looked["kind"]): string[] =>
    files.filter((file) => file.kind === kind).map(({ path }) => path);

  const unreadable = [...named("unreadable"), ...unlisted];
  if (unreadable.length > 0) {
    const message = `${id}: ${unreadable.length} cannot be read: ${name(unreadable)}`;
    findings.push(problem("files", message, "let the agent's user read them (group adm, setfacl)"));
  }
  const own = real.filter(({ target }) => ownFolders.some((root) => target.startsWith(`${root}/`)));
  if (own.length > 0) {
    const message = `${id}: matches the agent's own files: ${name(own.map(({ path }) => path))}`;
    findings.push(problem("files", message, "exclude the state directory and the archive"));
  }
  const other = named("other");
  if (other.length > 0) {
    const message = `${id}: ${other.length} are no regular files: ${name(other)}`;
    findings.push(warning("files", message, "narrow the pattern: only files are read"));
  }
  const links = real.filter(({ path, target }) => path !== target).length;
  const through = links === 0 ? "" : `, ${links} through symbolic links`;
  if (real.length === 0 && unreadable.length === 0) {
    const fix = "right if they come later; else correct include";
    findings.push(warning("files", `${id}: no file matches yet`, fix));
  } else {
    findings.push(ok("files", `${id}: ${real.length} to read${through}`));
  }
  return findings;
}

interface Looked {
  readonly path: string;
  /** Behind symbolic links. */
  readonly target: string;
  readonly kind: "file" | "missing" | "unreadable" | "other";
}

async function lookAt(path: string): Promise<Looked> {
  let target = path;
  try {
    target = await realpath(path);
    if (!(await stat(target)).isFile()) return { path, target, kind: "other" };
    await access(target, constants.R_OK);
    return { path, target, kind: "file" };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { path, target, kind: code === "ENOENT" ? "missing" : "unreadable" };
  }
}
