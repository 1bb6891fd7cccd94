/**
 * One place in object storage: puts objects that are checked after they were written, and reads
 * objects by version.
 *
 * Invariant: `put` resolves only when the server has said that this very version has the SHA-256 and
 * the lock that were asked for. An object that is there already is never trusted by its name.
 *
 * The AWS SDK is loaded when the first bucket is opened. Credentials are found as all AWS tools find
 * them; they are in no configuration of ours and in no message.
 */
import type { Readable } from "node:stream";
import type {
  HeadObjectCommandOutput,
  ListObjectVersionsCommandInput,
  S3Client,
} from "@aws-sdk/client-s3";
import { AgentError } from "../../../src/component/errors.ts";
import { printable } from "../../../src/lib/printable.ts";

type Sdk = typeof import("@aws-sdk/client-s3");

export interface BucketPlace {
  readonly bucket: string;
  /** Without a slash at its end; "" for the bucket's root. */
  readonly prefix: string;
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
}

export interface ObjectLock {
  readonly mode: "GOVERNANCE" | "COMPLIANCE";
  readonly untilMs: number;
  readonly legalHold: boolean;
}

export interface WantedLock extends ObjectLock {
  /** A lock until then is enough for an object that is there already. */
  readonly enoughMs: number;
}

export interface ObjectContent {
  /** Below the prefix, as in the archive's folder. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: Buffer;
  /** Called once for each try. */
  readonly open: () => Readable | Buffer;
  /** True for what is replaced as a whole from time to time; other keys never change. */
  readonly isReplaced?: boolean;
}

export interface ObjectVersion {
  readonly id: string;
  readonly etag: string;
}

export interface KeyVersions {
  /** The oldest first. */
  readonly versions: readonly ObjectVersion[];
  /** True when a delete marker hides them all. */
  readonly isHidden: boolean;
}

const CONNECT_MS = 10_000;
const SILENCE_MS = 60_000;
/** S3 keeps whole seconds. */
const UNTIL_SLACK_MS = 1000;
const REASON_LENGTH_MAX = 200;

export class Bucket {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #place: BucketPlace;

  private constructor(sdk: Sdk, client: S3Client, place: BucketPlace) {
    this.#sdk = sdk;
    this.#client = client;
    this.#place = place;
  }

  static async open(place: BucketPlace): Promise<Bucket> {
    const sdk = await import("@aws-sdk/client-s3");
    const { region, endpoint } = place;
    const client = new sdk.S3Client({
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
      // We give SHA-256 ourselves, and check what comes.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
    return new Bucket(sdk, client, place);
  }

  get url(): string {
    const { bucket, prefix } = this.#place;
    return `s3://${[bucket, prefix].filter((part) => part !== "").join("/")}`;
  }

  /** Throws `archive.copy_failed`, and `archive.copy_conflict` when something else is there. */
  async put(
    content: ObjectContent,
    lock: WantedLock | undefined,
    signal: AbortSignal,
  ): Promise<"written" | "there"> {
    if (content.isReplaced !== true) {
      const there = await this.#head(content.key, undefined, signal);
      const enough = lock && { ...lock, untilMs: lock.enoughMs };
      if (there !== undefined && problemOf(there, content, enough) === undefined) return "there";
      if (there !== undefined && !isSame(there, content)) throw conflict(this.url, content.key);
    }
    const { VersionId: version } = await this.#try(content.key, () =>
      this.#client.send(new this.#sdk.PutObjectCommand(this.#putInput(content, lock)), {
        abortSignal: signal,
      }),
    );
    const written = await this.#head(content.key, version, signal);
    const problem = written === undefined ? "it is gone" : problemOf(written, content, lock);
    if (problem !== undefined)
      throw failed(`${this.url}/${content.key} was written, but ${problem}`);
    return "written";
  }

  #putInput(content: ObjectContent, lock: ObjectLock | undefined) {
    return {
      ...this.#object(content.key),
      Body: content.open(),
      ContentLength: content.sizeBytes,
      ChecksumSHA256: content.sha256.toString("base64"),
      ...(lock !== undefined && {
        ObjectLockMode: lock.mode,
        ObjectLockRetainUntilDate: new Date(lock.untilMs),
        ObjectLockLegalHoldStatus: lock.legalHold ? ("ON" as const) : ("OFF" as const),
      }),
    };
  }

  async #head(
    key: string,
    version: string | undefined,
    signal: AbortSignal,
  ): Promise<HeadObjectCommandOutput | undefined> {
    const input = { ...this.#object(key, version), ChecksumMode: "ENABLED" as const };
    return this.#try(key, async () => {
      try {
        const command = new this.#sdk.HeadObjectCommand(input);
        return await this.#client.send(command, { abortSignal: signal });
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  }

  /** Every key below the prefix, with its versions. */
  async list(signal: AbortSignal): Promise<Map<string, KeyVersions>> {
    const { bucket, prefix } = this.#place;
    const found = new Map<string, FoundVersions>();
    const start = prefix === "" ? "" : `${prefix}/`;
    const input: ListObjectVersionsCommandInput = { Bucket: bucket, Prefix: start };
    for (let hasMore = true; hasMore; ) {
      const page = await this.#try("", () =>
        this.#client.send(new this.#sdk.ListObjectVersionsCommand(input), { abortSignal: signal }),
      );
      for (const { Key: key, VersionId: id, ETag: etag = "" } of page.Versions ?? []) {
        if (key === undefined || id === undefined) continue;
        // The server lists the newest first.
        at(found, key.slice(start.length)).versions.unshift({ id, etag });
      }
      for (const { Key: key, IsLatest: isLatest } of page.DeleteMarkers ?? []) {
        if (key !== undefined && isLatest === true) {
          at(found, key.slice(start.length)).isHidden = true;
        }
      }
      hasMore = page.IsTruncated === true;
      input.KeyMarker = page.NextKeyMarker;
      input.VersionIdMarker = page.NextVersionIdMarker || undefined;
    }
    return found;
  }

  async get(key: string, version: string, signal: AbortSignal): Promise<Readable> {
    const input = this.#object(key, version);
    const output = await this.#try(key, () =>
      this.#client.send(new this.#sdk.GetObjectCommand(input), { abortSignal: signal }),
    );
    return output.Body as Readable;
  }

  /** Undefined when there is none, or this account may not see it. */
  async lockOf(key: string, version: string, signal: AbortSignal): Promise<ObjectLock | undefined> {
    const found = await this.#head(key, version, signal);
    const shown = found && lockOf(found);
    if (shown !== undefined) return shown;
    // Some servers say it only of the current version, and only when they are asked for it.
    const input = this.#object(key, version);
    const send = { abortSignal: signal };
    const [retention, hold] = await Promise.all([
      this.#orNone(key, () =>
        this.#client.send(new this.#sdk.GetObjectRetentionCommand(input), send),
      ),
      this.#orNone(key, () =>
        this.#client.send(new this.#sdk.GetObjectLegalHoldCommand(input), send),
      ),
    ]);
    return lockOf({
      ObjectLockMode: retention?.Retention?.Mode,
      ObjectLockRetainUntilDate: retention?.Retention?.RetainUntilDate,
      ObjectLockLegalHoldStatus: hold?.LegalHold?.Status,
    });
  }

  /** A server that has no such lock, or does not tell, answers with one of these. */
  async #orNone<T>(key: string, send: () => Promise<T>): Promise<T | undefined> {
    return this.#try(key, async () => {
      try {
        return await send();
      } catch (error) {
        if ([400, 403, 404, 501].includes(statusOf(error) ?? 0)) return undefined;
        throw error;
      }
    });
  }

  close(): void {
    this.#client.destroy();
  }

  #object(key: string, version?: string) {
    const { bucket, prefix } = this.#place;
    const whole = prefix === "" ? key : `${prefix}/${key}`;
    return { Bucket: bucket, Key: whole, ...(version !== undefined && { VersionId: version }) };
  }

  async #try<T>(key: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (cause) {
      throw failed(`${this.url}/${key}: ${reasonOf(cause)}`, cause);
    }
  }
}

interface LockFields {
  readonly ObjectLockMode?: string | undefined;
  readonly ObjectLockRetainUntilDate?: Date | undefined;
  readonly ObjectLockLegalHoldStatus?: string | undefined;
}

type Described = Pick<HeadObjectCommandOutput, "ContentLength" | "ChecksumSHA256"> & LockFields;

function isSame(found: Described, { sizeBytes, sha256 }: ObjectContent): boolean {
  return found.ContentLength === sizeBytes && found.ChecksumSHA256 === sha256.toString("base64");
}

/** What an object lacks of what it should be; undefined when it is all right. */
export function problemOf(
  found: Described,
  content: ObjectContent,
  lock: ObjectLock | undefined,
): string | undefined {
  if (found.ChecksumSHA256 === undefined) return "the server gives no SHA-256 for it";
  if (!isSame(found, content)) return "its size or SHA-256 is not what was sent";
  if (lock === undefined) return undefined;
  const got = lockOf(found);
  if (got === undefined) return "it has no lock: the bucket is without Object Lock, or ignores it";
  if (lock.mode === "COMPLIANCE" && got.mode !== "COMPLIANCE") return "its lock is of another mode";
  if (got.untilMs < lock.untilMs - UNTIL_SLACK_MS) return "its lock ends too early";
  return lock.legalHold && !got.legalHold ? "it has no legal hold" : undefined;
}

function lockOf(found: LockFields): ObjectLock | undefined {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = found;
  const legalHold = found.ObjectLockLegalHoldStatus === "ON";
  if (until === undefined || (mode !== "COMPLIANCE" && mode !== "GOVERNANCE")) return undefined;
  return { mode, untilMs: until.getTime(), legalHold };
}

interface FoundVersions extends KeyVersions {
  readonly versions: ObjectVersion[];
  isHidden: boolean;
}

function at(found: Map<string, FoundVersions>, key: string): FoundVersions {
  const known = found.get(key) ?? { versions: [], isHidden: false };
  found.set(key, known);
  return known;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** The server's own words, cut; they name the key and the rule that was broken, no secret. */
function reasonOf(error: unknown): string {
  const { name, message } = error as Error;
  const status = statusOf(error);
  const words = printable(`${name}: ${message}`).slice(0, REASON_LENGTH_MAX);
  return status === undefined ? words : `${words} (HTTP ${status})`;
}

function failed(message: string, cause?: unknown): AgentError {
  return new AgentError("archive.copy_failed", message, { cause });
}

function conflict(url: string, key: string): AgentError {
  return new AgentError("archive.copy_conflict", `${url}/${key} holds something else`);
}
