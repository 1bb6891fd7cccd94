/**
 * Where an archive is that a command is to check: a folder, or a copy in object storage, which is
 * brought into a folder first.
 *
 * Trust: a copy is fetched into a folder of its own below the temporary one (0700) and removed at the
 * end, or into the folder that the user names, which then stays. Blocks stay encrypted in it.
 */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bucket } from "../../exporters/sealed_archive/copies/bucket.ts";
import type { FetchedCopy } from "../../exporters/sealed_archive/copies/fetch_copy.ts";
import { fetchCopy } from "../../exporters/sealed_archive/copies/fetch_copy.ts";
import type { Finding } from "../../exporters/sealed_archive/reader/finding.ts";
import type { VerifyResult } from "../../exporters/sealed_archive/reader/verify_archive.ts";
import { systemClock } from "../lib/system_clock.ts";
import type { CommandLine } from "./command.ts";
import { UsageError } from "./command.ts";
import { readVerifier } from "./read_verifier.ts";

export interface ArchivePlace {
  readonly directory: string;
  /** Undefined for a folder. */
  readonly copy: (FetchedCopy & { readonly url: string }) | undefined;
  /** Removes what was fetched for the time of the command alone. */
  close(): Promise<void>;
}

export const placeOptions = {
  endpoint: { type: "string" },
  region: { type: "string" },
  into: { type: "string" },
} as const;

export const PLACE_HELP = [
  "      --endpoint URL     for s3://: another S3 server than that of AWS",
  "      --region NAME      for s3://: its region",
  "      --into DIR         for s3://: keep what is fetched in this folder, new or empty",
].join("\n");

/** With {@link placeOptions} and `--vkey`. Throws `archive.copy_failed`, `archive.unreadable`. */
export async function openPlace(
  archive: string,
  { values }: CommandLine,
  signal: AbortSignal,
): Promise<ArchivePlace> {
  const { vkey, endpoint, region, into } = values;
  const place = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(archive);
  if (place === null) {
    if (endpoint !== undefined || region !== undefined || into !== undefined) {
      throw new UsageError("--endpoint, --region and --into go with s3://BUCKET/PREFIX");
    }
    return { directory: archive, copy: undefined, close: async () => {} };
  }
  const [, name = "", prefix = ""] = place;
  const verifier = typeof vkey === "string" ? await readVerifier(vkey) : undefined;
  const isKept = typeof into === "string";
  const directory = isKept ? await newFolder(into) : await mkdtemp(join(tmpdir(), "vouchsafe-"));
  const close = async (): Promise<void> => {
    if (!isKept) await rm(directory, { recursive: true, force: true });
  };
  const bucket = await Bucket.open({
    ...{ bucket: name, prefix },
    region: typeof region === "string" ? region : undefined,
    endpoint: typeof endpoint === "string" ? endpoint : undefined,
  });
  try {
    const nowMs = systemClock.nowMs();
    const copy = await fetchCopy({ bucket, directory, verifier, nowMs, signal });
    return { directory, copy: { ...copy, url: bucket.url }, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    bucket.close();
  }
}

async function newFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if ((await readdir(path)).length === 0) return path;
  throw new UsageError(`--into ${path}: the folder is not empty`);
}

export function copyLines({ copy }: ArchivePlace, absentBlocks: number): string[] {
  if (copy === undefined) return [];
  const { url, objects, bytes, unlocked, lockedUntilMs } = copy;
  const lock =
    lockedUntilMs === undefined
      ? "none is locked"
      : `${unlocked === 0 ? "all" : objects - unlocked} locked, the first until ` +
        new Date(lockedUntilMs).toISOString();
  const lines = [`Copy ${url}: ${objects} objects, ${(bytes / 1e6).toFixed(1)} MB, ${lock}.`];
  if (absentBlocks > 0) {
    const blocks = `${absentBlocks} block${absentBlocks === 1 ? "" : "s"}`;
    lines.push(`Not in the copy yet, in segments that were open: ${blocks}.`);
  }
  return lines;
}

/** What was found while a copy was fetched is found of the archive. */
export function withFindings(result: VerifyResult, more: readonly Finding[]): VerifyResult {
  return {
    ...result,
    findings: [...result.findings, ...more],
    findingsCount: result.findingsCount + more.length,
  };
}
