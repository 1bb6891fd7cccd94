/**
 * A configuration file as text, and places in it.
 *
 * Invariant: every place lies inside its file; lines and columns count from 1, columns in UTF-16
 * units, as editors do.
 */
import { open } from "node:fs/promises";

export const CONFIG_SIZE_BYTES_MAX = 1_048_576;

export interface Source {
  /** As the user named it. */
  readonly path: string;
  /** Which of the `-c` files it is; diagnostics are sorted by it. */
  readonly index: number;
  readonly text: string;
  readonly lineStarts: readonly number[];
}

/** UTF-16 offset in a source. */
export interface Place {
  readonly source: Source;
  readonly offset: number;
}

/** Bytes of a file, at most `sizeBytesMax + 1` of them: one more tells that it is too large. */
export type FileReader = (path: string, sizeBytesMax: number) => Promise<Uint8Array>;

export function makeSource(path: string, index: number, text: string): Source {
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
    lineStarts.push(at + 1);
  }
  return { path, index, text, lineStarts };
}

export function positionOf({ source, offset }: Place): { line: number; column: number } {
  const inside = Math.max(0, Math.min(offset, source.text.length));
  let low = 0;
  let high = source.lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (source.lineStarts[middle]! <= inside) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: inside - source.lineStarts[low]! + 1 };
}

/** Offsets of the first character of a line and of its end, without the line break. */
export function lineRange(source: Source, line: number): { start: number; end: number } {
  const start = source.lineStarts[line - 1]!;
  let end = (source.lineStarts[line] ?? source.text.length + 1) - 1;
  if (end > start && source.text[end - 1] === "\r") end -= 1;
  return { start, end };
}

/** Reads files and pipes alike, and never more than the limit, whatever the file claims to hold. */
export async function readLimited(path: string, sizeBytesMax: number): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const bytes = new Uint8Array(sizeBytesMax + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** The text of a file, or the reason why there is none, without any of its content. */
export async function readText(
  path: string,
  readFile: FileReader,
): Promise<{ text: string } | { reason: string }> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path, CONFIG_SIZE_BYTES_MAX);
  } catch (error) {
    return { reason: `cannot be read: ${reasonOf(error)}` };
  }
  if (bytes.length > CONFIG_SIZE_BYTES_MAX) {
    return { reason: `is larger than the limit of ${CONFIG_SIZE_BYTES_MAX} bytes` };
  }
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { reason: "is not valid UTF-8 text" };
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is not a folder",
};

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
  return REASONS[code] ?? code;
}
