/** Has it recorded in an archive who is about to read what, where that is possible. */
import { recordEntry } from "../../exporters/sealed_archive/record_entry.ts";
import { accessOf, archivesOf, isSamePath, loadCommandConfig } from "./archive_of_config.ts";
import type { CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_OK, UsageError } from "./command.ts";

export interface Reading {
  /** Undefined: all zones that the identity opens. */
  readonly zone?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Records, where it is known before. */
  readonly count?: number | undefined;
}

/**
 * With `accessOptions` of a command. Returns an exit code: anything but 0 forbids to go on. Throws
 * what `recordEntry` throws.
 */
export async function recordReading(
  archive: string,
  { zone, sinceMs, untilMs, count }: Reading,
  { values }: CommandLine,
  io: CommandIo,
): Promise<number> {
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) {
    io.stderr.write(
      "this reading is not recorded in the archive: that takes -c FILE on its host\n",
    );
    return EXIT_OK;
  }
  const reader = accessOf(values);
  const config = await loadCommandConfig(paths, io);
  if (config === undefined) return EXIT_CONFIG;
  const found = archivesOf(config).find(({ config: own }) => isSamePath(own.directory, archive));
  if (found === undefined) {
    throw new UsageError(`no sealed_archive of the configuration writes to ${archive}`);
  }
  const what = { zone, since: toEntryTime(sinceMs), until: toEntryTime(untilMs) };
  const entry = { type: "access", action: "read", ...reader, what, count } as const;
  await recordEntry({ ...found, entry });
  return EXIT_OK;
}

function toEntryTime(timeMs: number | undefined): number | undefined {
  return timeMs === undefined ? undefined : Math.max(0, Math.floor(timeMs));
}
