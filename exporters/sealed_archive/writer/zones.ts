/**
 * Which zones an archive has, and which records go where.
 *
 * Invariant: every record has one zone, and it is one of the configuration. A zone that only an
 * earlier configuration had keeps its folder and its place in the log, and gets no record.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { LogRecord } from "../../../src/data/log_record.ts";
import { parseAgeRecipient } from "../../../src/lib/age/age_file.ts";
import type { SealedArchiveConfig } from "../config.ts";
import { DEFAULT_ZONE, recipientsByZone } from "../config.ts";
import { ZONE_NAME } from "../format/entry.ts";
import { positionOf } from "../format/position.ts";
import { makePublicDirectory } from "./archive_directory.ts";
import type { RecoveredLog } from "./recovery.ts";
import { SegmentFiles } from "./segment_files.ts";
import { recoverSegments } from "./segment_recovery.ts";
import type { ZoneState } from "./zone_writer.ts";

export interface RecoveredZones {
  readonly zones: ReadonlyMap<string, ZoneState>;
  readonly segments: ReadonlyMap<string, SegmentFiles>;
  readonly cutBytes: number;
}

/** The rule by which a record finds its zone. */
export function zoneRule(config: SealedArchiveConfig): (record: LogRecord) => string {
  const names = new Set(recipientsByZone(config).keys());
  if (names.size === 1) return () => DEFAULT_ZONE;
  const key = config.zone_attribute;
  return ({ attributes }) => {
    const name = attributes[key];
    return typeof name === "string" && names.has(name) ? name : DEFAULT_ZONE;
  };
}

/** Brings every zone's segments back to what the log says. Throws `archive.damaged`. */
export async function recoverZones(
  config: SealedArchiveConfig,
  { state: { positions }, unsignedBlocks }: RecoveredLog,
): Promise<RecoveredZones> {
  const recipients = recipientsByZone(config);
  const blocks = join(config.directory, "blocks");
  await makePublicDirectory(blocks);
  // A crash may have left bytes in a zone that no entry names and no configuration any more.
  const folders = (await readdir(blocks)).filter((name) => ZONE_NAME.test(name));
  const zones = new Map<string, ZoneState>();
  const segments = new Map<string, SegmentFiles>();
  let cutBytes = 0;
  for (const name of new Set([...recipients.keys(), ...positions.keys(), ...folders])) {
    const directory = join(blocks, name);
    await makePublicDirectory(directory);
    const ofZone = unsignedBlocks.filter(({ zone }) => zone === name);
    const recovered = await recoverSegments(directory, positionOf(positions, name), ofZone);
    cutBytes += recovered.cutBytes;
    const readers = (recipients.get(name) ?? []).map((text) => parseAgeRecipient(text)!);
    zones.set(name, { ...recovered, recipients: readers });
    segments.set(name, new SegmentFiles(directory));
  }
  return { zones, segments, cutBytes };
}
