/**
 * Deletes the segments that `retain` entries name.
 *
 * Invariant: a file goes only when a checkpoint covers its entry, so that whoever finds it missing
 * finds the reason in the newest checkpoint. What a crash leaves undone is done after the next start.
 */
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncDirectory } from "../../../src/lib/durable_file.ts";
import { segmentFileName, segmentName } from "../format/position.ts";

interface Retired {
  readonly path: string;
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
    const path = join(this.#archive, "blocks", zone, segmentFileName(segmentName(segment)));
    this.#waiting.push({ path, size });
  }

  /** `publishedSize` entries are covered by a checkpoint. May be repeated after an error. */
  async remove(publishedSize: number): Promise<void> {
    const due = this.#waiting.filter(({ size }) => size <= publishedSize);
    for (const { path } of due) await rm(path, { force: true });
    for (const folder of new Set(due.map(({ path }) => dirname(path)))) await syncDirectory(folder);
    this.#waiting = this.#waiting.filter(({ size }) => size > publishedSize);
  }
}
