/**
 * `anchors/<size>.cp`: checkpoints of the log that witnesses cosigned.
 *
 * Trust: public, and trusted by signatures only: who changes one is noticed. Who takes the newest
 * away is noticed by those who ask for fresh ones, and by the witnesses, which know the size.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../../../src/component/errors.ts";
import { readIfThere } from "../optional_file.ts";

export const ANCHORS_FOLDER = "anchors";
const NAME = /^(0|[1-9]\d{0,15})\.cp$/;

export interface AnchorFile {
  /** As its name says. */
  readonly size: number;
  /** Relative to the archive. */
  readonly file: string;
  readonly note: Buffer;
}

export function anchorFileName(size: number): string {
  return `${size}.cp`;
}

/** By size, the smallest first. Throws `archive.unreadable`. */
export async function readAnchors(archive: string): Promise<AnchorFile[]> {
  const folder = join(archive, ANCHORS_FOLDER);
  const anchors: AnchorFile[] = [];
  for (const size of await anchorSizes(archive)) {
    const name = anchorFileName(size);
    const note = await readIfThere(join(folder, name)).catch((cause: unknown) => {
      throw new AgentError("archive.unreadable", `cannot read ${join(folder, name)}`, { cause });
    });
    if (note !== undefined) anchors.push({ size, file: `${ANCHORS_FOLDER}/${name}`, note });
  }
  return anchors;
}

/** Smallest first. Throws `archive.unreadable`. */
export async function anchorSizes(archive: string): Promise<number[]> {
  const folder = join(archive, ANCHORS_FOLDER);
  try {
    const names = await readdir(folder);
    const sizes = names.map((name) => Number(NAME.exec(name)?.[1] ?? -1));
    return sizes.filter((size) => size >= 0).sort((one, other) => one - other);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new AgentError("archive.unreadable", `cannot read ${folder}`, { cause });
  }
}
