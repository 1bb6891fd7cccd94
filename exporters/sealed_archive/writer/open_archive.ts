/**
 * From a configuration to a running {@link ArchiveWriter}: lock, key, recovery, first entry.
 *
 * Invariant: nothing is written into the archive before it is known to be ours and whole.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { AgentError } from "../../../src/component/errors.ts";
import type { Settings } from "../../../src/component/settings.ts";
import { writeFileDurably } from "../../../src/lib/durable_file.ts";
import type { SealedArchiveConfig } from "../config.ts";
import { recipientsByZone } from "../config.ts";
import type { Statement } from "../format/entry.ts";
import type { NoteSigner } from "../format/note.ts";
import { readIfThere } from "../optional_file.ts";
import { makePublicDirectory } from "./archive_directory.ts";
import type { ArchiveWriterOptions } from "./archive_writer.ts";
import { ArchiveWriter } from "./archive_writer.ts";
import type { LogKeyOptions } from "./log_key.ts";
import { createLogKey, readLogKey } from "./log_key.ts";
import { Marks } from "./marks.ts";
import { Publisher } from "./publisher.ts";
import type { RecoveredLog } from "./recovery.ts";
import { recoverLog, stateMissing } from "./recovery.ts";
import { PUBLIC_FILE_MODE } from "./segment_files.ts";
import { removeTemporaryFiles } from "./segment_recovery.ts";
import type { RecoveredZones } from "./zones.ts";
import { recoverZones, zoneRule } from "./zones.ts";

export type WriterEvents = Pick<
  ArchiveWriterOptions,
  "onCommitFailure" | "onCommitRecovered" | "onCommitted" | "onProgress"
>;

/** The caller holds the lock on `stateDirectory`. Throws `archive.*` and `storage.*`. */
export async function openArchive(
  config: SealedArchiveConfig,
  settings: Pick<Settings, "clock" | "random" | "logger" | "configFingerprint">,
  stateDirectory: string,
  events: WriterEvents,
): Promise<ArchiveWriter> {
  const { clock, random, logger } = settings;
  const archive = config.directory;
  const keyOptions = {
    stateDirectory,
    keyFile: config.signing_key_file,
    origin: config.origin,
    random,
  };
  await removeTemporaryFiles(stateDirectory);
  const signer = await obtainKey(archive, keyOptions);
  await makePublicDirectory(join(archive, "log", "tile"));
  await publishVerifierKey(archive, signer);

  const marks = new Marks(config.max_sources);
  const log = await recoverLog({ archive, stateDirectory, verifier: signer.verifier, marks });
  let recovered: RecoveredZones;
  try {
    recovered = await recoverZones(config, log);
  } catch (error) {
    await log.wal.close();
    throw error;
  }
  const writer = new ArchiveWriter({
    clock,
    random,
    stateDirectory,
    zoneOf: zoneRule(config),
    limits: {
      blockRecordsMax: config.block.max_records,
      blockSizeBytesMax: config.block.max_bytes,
      segmentSizeBytesMax: config.segment.max_bytes,
      segmentIntervalMs: config.segment.rotate,
    },
    groupCommitMs: config.group_commit,
    pendingBytesMax: config.max_pending_bytes,
    state: { nextIndex: log.tree.size, positions: log.positions, marks, zones: recovered.zones },
    wal: log.wal,
    segments: recovered.segments,
    publisher: new Publisher({
      archive,
      stateDirectory,
      signer,
      tree: log.tree,
      entries: log.entries,
      publishedSize: log.signedSize,
    }),
    ...events,
  });
  addFirstEntry(writer, config, settings, signer, log, recovered.cutBytes);
  logger.info("archive opened", {
    directory: archive,
    origin: config.origin,
    entries: log.tree.size,
    entries_replayed: log.tree.size - log.signedSize,
    bytes_cut: recovered.cutBytes,
  });
  return writer;
}

async function obtainKey(archive: string, options: LogKeyOptions): Promise<NoteSigner> {
  const signer = await readLogKey(options);
  if (signer !== undefined) return signer;
  const path = join(archive, "log", "checkpoint");
  if ((await readIfThere(path)) !== undefined) throw stateMissing(archive);
  if ((await readIfThere(join(options.stateDirectory, "last_signed"))) !== undefined) {
    throw new AgentError("archive.key_invalid", "the log key is gone from the state directory");
  }
  return createLogKey(options);
}

async function publishVerifierKey(archive: string, { verifier }: NoteSigner): Promise<void> {
  const path = join(archive, "log.vkey");
  const found = await readIfThere(path);
  if (found?.toString() === `${verifier.vkey}\n`) return;
  if (found !== undefined) {
    throw new AgentError("archive.foreign", `${path} is the key of another log`);
  }
  await writeFileDurably(path, `${verifier.vkey}\n`, PUBLIC_FILE_MODE);
}

/** A log begins with a genesis, and each later run of the agent with a restart. */
function addFirstEntry(
  writer: ArchiveWriter,
  config: SealedArchiveConfig,
  { clock, configFingerprint }: Pick<Settings, "clock" | "configFingerprint">,
  { verifier }: NoteSigner,
  log: RecoveredLog,
  cutBytes: number,
): void {
  const statement: Statement = {
    zones: Object.fromEntries(
      [...recipientsByZone(config)].map(([zone, recipients]) => [
        zone,
        { recipients: [...recipients] },
      ]),
    ),
    intervals: {
      heartbeat_ms: Math.ceil(config.heartbeat_interval),
      publish_ms: Math.ceil(config.publish_interval),
    },
    config: configFingerprint,
  };
  const common = { v: 1, at: clock.nowMs(), ...statement } as const;
  if (log.tree.size === 0) {
    writer.addEntry({
      type: "genesis",
      origin: verifier.name,
      vkey: verifier.vkey,
      ...common,
    });
    return;
  }
  writer.addEntry({
    type: "restart",
    run: randomUUID(),
    replayed: log.tree.size - log.signedSize,
    cut: cutBytes,
    ...common,
  });
}
