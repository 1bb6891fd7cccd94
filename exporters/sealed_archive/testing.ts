/** What the tests of the archive share: a small configuration, numbered records, their reading. */
import type { TestContext } from "node:test";
import { Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import type { Settings } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { systemClock } from "../../src/lib/system_clock.ts";
import type { SealedArchiveConfig } from "./config.ts";
import { configSchema } from "./config.ts";
import { readArchive } from "./reader/read_archive.ts";
import type { VerifyResult } from "./reader/verify_archive.ts";
import { verifyArchive } from "./reader/verify_archive.ts";
import { SealedArchive } from "./sealed_archive.ts";

export const ORIGIN = "example.com/test";
export const IDENTITY = await generateX25519Identity();
export const RECIPIENT = await identityToRecipient(IDENTITY);
export const AUDIT_IDENTITY = await generateX25519Identity();
export const AUDIT_RECIPIENT = await identityToRecipient(AUDIT_IDENTITY);
/** The zone `audit` beside `default`, for readers of its own. */
export const TWO_ZONES = { zones: { audit: { recipients: [AUDIT_RECIPIENT] } } };

/** Small and quick, so that a test sees many blocks and does not wait. */
export function testConfig(directory: string, changes: object = {}): SealedArchiveConfig {
  return configSchema.parse({
    directory,
    origin: ORIGIN,
    recipients: [RECIPIENT],
    group_commit: 0,
    publish_interval: "20ms",
    ...changes,
    block: {
      max_records: 10,
      max_delay: "5ms",
      ...("block" in changes && (changes.block as object)),
    },
  });
}

/** Timers of components do not keep a process alive, so a waiting test has to. */
export function keepAlive(t: TestContext): void {
  const timer = setInterval(() => {}, 1000);
  t.after(() => clearInterval(timer));
}

export async function openTestArchive(
  t: TestContext,
  config: SealedArchiveConfig,
  settings: Settings,
): Promise<SealedArchive> {
  keepAlive(t);
  const archive = new SealedArchive(config, settings);
  await archive.start();
  // A failed test may leave a disk that stays full; its clean-up must not wait for room.
  t.after(() => archive.shutdown(AbortSignal.abort()));
  return archive;
}

export async function close(archive: SealedArchive): Promise<void> {
  await archive.shutdown(new AbortController().signal);
}

/** Records `from` to `to - 1` of a source, whose positions are their numbers and one. */
export function numbered(from: number, to: number, id: string | undefined = "file"): LogBatch {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  const records = numbers.map(
    (number) => new LogRecord({ hrTime: [1_700_000_000 + number, 0], body: `line ${number}` }),
  );
  if (id === undefined) return { records };
  return { records, source: { id, positions: numbers.map((number) => number + 1) } };
}

/** The batch with those of its records for `audit` whose numbers are. */
export function divided(batch: LogBatch, isAudit: (number: number) => boolean): LogBatch {
  return mapRecords(batch, (record) => {
    const zone = isAudit(numberOf(record)) ? "audit" : "elsewhere";
    return record.with(record.body, { "audit.zone": zone });
  });
}

function numberOf({ body }: LogRecord): number {
  return Number.parseInt(String(body).slice(5), 10);
}

/** The numbers in the order in which the archive has them. */
export async function readNumbers(directory: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const records of readArchive({ archive: directory, identities: allIdentities() })) {
    for (const { record } of records) numbers.push(numberOf(record));
  }
  return numbers;
}

/** The numbers of each zone. */
export async function readZones(directory: string): Promise<Map<string, number[]>> {
  const zones = new Map<string, number[]>();
  for await (const records of readArchive({ archive: directory, identities: allIdentities() })) {
    for (const { zone, record } of records) {
      zones.set(zone, [...(zones.get(zone) ?? []), numberOf(record)]);
    }
  }
  return zones;
}

export function verify(directory: string): Promise<VerifyResult> {
  return verifyArchive({ archive: directory, identities: allIdentities(), clock: systemClock });
}

export function identities(...keys: string[]): Decrypter {
  const decrypter = new Decrypter();
  for (const key of keys.length === 0 ? [IDENTITY] : keys) decrypter.addIdentity(key);
  return decrypter;
}

export function auditIdentities(): Decrypter {
  return identities(AUDIT_IDENTITY);
}

export function allIdentities(): Decrypter {
  return identities(IDENTITY, AUDIT_IDENTITY);
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
