/**
 * Which zones an archive has.
 *
 * Invariant: a zone that only an earlier configuration had keeps its folder and its place in the log,
 * and gets no record.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseAgeRecipient } from "../../../src/lib/age/age_file.ts";
import type { SealedArchiveConfig } from "../config.ts";
import { recipientsByZone } from "../config.ts";
import { ZONE_NAME } from "../format/entry.ts";
import { positionOf } from "../format/position.ts";
import { makePublicDirectory } from "./archive_directory.ts";
import type { RecoveredLog } from "./recovery.ts";
import { RetiredSegments } from "./retired_segments.ts";
import { SegmentFiles } from "./segment_files.ts";
import { recoverSegments } from "./segment_recovery.ts";
import type { ZoneLimits, ZoneState } from "./zone_writer.ts";

export interface RecoveredZones {
  readonly zones: ReadonlyMap<string, ZoneState>;
  readonly segments: ReadonlyMap<string, SegmentFiles>;
  readonly retired: RetiredSegments;
  readonly cutBytes: number;
}

/** Brings every zone's segments back to what the log says. Throws `archive.damaged`. */
export async function recoverZones(
  config: SealedArchiveConfig,
  { state: { positions, kept }, unsignedBlocks, tree }: RecoveredLog,
): Promise<RecoveredZones> {
  const recipients = recipientsByZone(config);
  const blocks = join(config.directory, "blocks");
  await makePublicDirectory(blocks);
  // A crash may have left bytes in a zone that no entry names and no configuration any more.
  const folders = (await readdir(blocks)).filter((name) => ZONE_NAME.test(name));
  const zones = new Map<string, ZoneState>();
  const segments = new Map<string, SegmentFiles>();
  const retired = new RetiredSegments(config.directory);
  let cutBytes = 0;
  for (const name of new Set([...recipients.keys(), ...positions.keys(), ...folders])) {
    const directory = join(blocks, name);
    await makePublicDirectory(directory);
    const ofZone = unsignedBlocks.filter(({ zone }) => zone === name);
    const position = positionOf(positions, name);
    const recovered = await recoverSegments(directory, position, kept.get(name) ?? [], ofZone);
    cutBytes += recovered.cutBytes;
    for (const segment of recovered.retired) retired.add(name, segment, tree.size);
    const readers = (recipients.get(name) ?? []).map((text) => parseAgeRecipient(text)!);
    zones.set(name, { ...recovered, recipients: readers, limits: zoneLimits(config, name) });
    segments.set(name, new SegmentFiles(directory));
  }
  return { zones, segments, retired, cutBytes };
}

/** What the zone says itself goes before what all zones have. */
function zoneLimits({ block, segment, zones }: SealedArchiveConfig, name: string): ZoneLimits {
  const own = zones?.[name];
  return {
    blockRecordsMax: own?.block.max_records ?? block.max_records,
    blockSizeBytesMax: own?.block.max_bytes ?? block.max_bytes,
    blockDelayMs: own?.block.max_delay ?? block.max_delay,
    segmentSizeBytesMax: own?.segment.max_bytes ?? segment.max_bytes,
    segmentIntervalMs: own?.segment.rotate ?? segment.rotate,
  };
}

/** Undefined: for ever. */
export function retentionMsOf(config: SealedArchiveConfig, zone: string): number | undefined {
  return config.zones?.[zone]?.retention ?? config.retention;
}
