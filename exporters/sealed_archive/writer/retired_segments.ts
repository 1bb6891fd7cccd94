/**
 * Deletes the segments that `retain` entries name.
 *
 * Invariant: a file goes only when a checkpoint covers its entry, so that whoever finds it missing
 * finds the reason in the newest checkpoint. What a crash leaves undone is done after the next start.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "../../../src/lib/durable_file.ts";
import { segmentFileName, segmentName } from "../format/position.ts";

interface Retired {
  /** Of the zone. */
  readonly folder: string;
  readonly segment: string;
  /** Entries up to and with the one that says it. */
  readonly size: number;
}

export class RetiredSegments {
  readonly #archive: string;
  #waiting: Retired[] = [];

  constructor(archive: string) {
    this.#archive = archive;
  }

  /** The entry is durable, as the last of `size`. */
  add(zone: string, segment: number, size: number): void {
    const folder = join(this.#archive, "blocks", zone);
    this.#waiting.push({ folder, segment: segmentName(segment), size });
  }

  /** `publishedSize` entries are covered by a checkpoint. May be repeated after an error. */
  async remove(publishedSize: number): Promise<void> {
    const due = this.#waiting.filter(({ size }) => size <= publishedSize);
    for (const folder of new Set(due.map((retired) => retired.folder))) {
      const segments = due.filter((retired) => retired.folder === folder);
      for (const name of await readdir(folder)) {
        if (segments.some(({ segment }) => isOf(segment, name))) await rm(join(folder, name));
      }
      await syncDirectory(folder);
    }
    this.#waiting = this.#waiting.filter(({ size }) => size > publishedSize);
  }
}

/** The segment itself, and what stands in the place of its redacted blocks. */
function isOf(segment: string, name: string): boolean {
  return name === segmentFileName(segment) || name.startsWith(`${segment}-`);
}
