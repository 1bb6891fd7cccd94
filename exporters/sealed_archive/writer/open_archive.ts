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
import type { PreviousLog } from "../format/entry.ts";
import type { NoteSigner } from "../format/note.ts";
import { recipientsChanges } from "../format/recipients.ts";
import { treatmentChanges } from "../format/treatments.ts";
import { readIfThere } from "../optional_file.ts";
import { LogFiles } from "../reader/log_files.ts";
import { makePublicDirectory } from "./archive_directory.ts";
import type { ArchiveWriterOptions } from "./archive_writer.ts";
import { ArchiveWriter } from "./archive_writer.ts";
import { EpochKeys } from "./epoch_keys.ts";
import type { LogKeyOptions } from "./log_key.ts";
import { createLogKey, readLogKey } from "./log_key.ts";
import { Marks } from "./marks.ts";
import { Publisher } from "./publisher.ts";
import type { RecoveredLog } from "./recovery.ts";
import { recoverLog, stateMissing } from "./recovery.ts";
import { copyRules } from "./scrub.ts";
import { PUBLIC_FILE_MODE } from "./segment_files.ts";
import { removeTemporaryFiles } from "./segment_recovery.ts";
import { zoneRule } from "./zone_rule.ts";
import type { RecoveredZones } from "./zones.ts";
import { recoverZones, retentionMsOf } from "./zones.ts";

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
  const isNew = (await readIfThere(join(stateDirectory, "last_signed"))) === undefined;
  const previous =
    isNew && config.continues !== undefined ? await readPrevious(config.continues) : undefined;
  await makePublicDirectory(join(archive, "log", "tile"));
  await publishVerifierKey(archive, signer);

  const marks = new Marks(config.max_sources);
  const log = await recoverLog({ archive, stateDirectory, verifier: signer.verifier, marks });
  let recovered: RecoveredZones;
  let epochs: EpochKeys;
  try {
    recovered = await recoverZones(config, log);
    const epochOptions = { archive, stateDirectory, origin: config.origin, random };
    epochs = await EpochKeys.open(epochOptions, log.state.epoch, log.signedSize);
  } catch (error) {
    await log.wal.close();
    throw error;
  }
  const writer = new ArchiveWriter({
    clock,
    random,
    stateDirectory,
    zoneOf: zoneRule(config),
    copies: copyRules(config),
    groupCommitMs: config.group_commit,
    pendingBytesMax: config.max_pending_bytes,
    state: { nextIndex: log.tree.size, log: log.state, marks, zones: recovered.zones },
    retentionMsOf: (zone) => retentionMsOf(config, zone),
    retired: recovered.retired,
    origin: config.origin,
    wal: log.wal,
    segments: recovered.segments,
    publisher: new Publisher({
      archive,
      stateDirectory,
      signer,
      epochs,
      tree: log.tree,
      entries: log.entries,
      publishedSize: log.signedSize,
    }),
    epochs,
    ...events,
  });
  const { cutBytes } = recovered;
  const configHash = settings.configFingerprint;
  const first = { signer, epochs, previous, cutBytes, configHash };
  addFirstEntries(writer, config, first, log);
  logger.info("archive opened", {
    directory: archive,
    origin: config.origin,
    entries: log.tree.size,
    entries_replayed: log.tree.size - log.signedSize,
    bytes_cut: cutBytes,
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

/** The archive before this one, as it is now. Throws `archive.unreadable`. */
async function readPrevious(archive: string): Promise<PreviousLog> {
  const files = new LogFiles(archive);
  const verifier = await files.readVerifier();
  const { checkpoint, problem } = await files.readCheckpoint(verifier);
  if (problem !== undefined) {
    throw new AgentError("archive.unreadable", `${archive}/log/checkpoint: ${problem}`);
  }
  const { origin, size, root } = checkpoint;
  return { origin, vkey: verifier.vkey, size, root: root.toString("base64") };
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

interface FirstEntry {
  readonly signer: NoteSigner;
  readonly epochs: EpochKeys;
  readonly previous: PreviousLog | undefined;
  readonly cutBytes: number;
  readonly configHash: string | undefined;
}

/** A log begins with a genesis, and each later run of the agent with a restart. */
function addFirstEntries(
  writer: ArchiveWriter,
  config: SealedArchiveConfig,
  { signer: { verifier }, epochs, previous, cutBytes, configHash }: FirstEntry,
  log: RecoveredLog,
): void {
  const recipients = recipientsByZone(config);
  const intervals = {
    heartbeat_ms: Math.ceil(config.heartbeat_interval),
    publish_ms: Math.ceil(config.publish_interval),
  };
  if (log.tree.size === 0) {
    const zones = [...recipients].map(([zone, names]) => [zone, { recipients: [...names] }]);
    writer.addEntry({
      type: "genesis",
      origin: verifier.name,
      vkey: verifier.vkey,
      epoch_vkey: epochs.signer.verifier.vkey,
      zones: Object.fromEntries(zones),
      intervals,
      config: configHash,
      previous,
    });
  } else {
    writer.addEntry({
      type: "restart",
      run: randomUUID(),
      replayed: log.tree.size - log.signedSize,
      cut: cutBytes,
      intervals,
      config: configHash,
    });
  }
  // The genesis moved the state on already.
  for (const change of recipientsChanges(log.state.recipients, recipients)) {
    writer.addEntry({ type: "recipients", ...change });
  }
  const { authorities } = log.state;
  const added = config.redaction_authorities.filter((key) => !authorities.includes(key));
  const removed = authorities.filter((key) => !config.redaction_authorities.includes(key));
  if (added.length + removed.length > 0) {
    writer.addEntry({ type: "authorities", added, removed });
  }
  const treatments = new Map(copyRules(config).map(({ zone, treatment }) => [zone, treatment]));
  for (const change of treatmentChanges(log.state.treatments, treatments)) {
    writer.addEntry({ type: "scrub", ...change });
  }
}
