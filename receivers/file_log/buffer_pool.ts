/** Buffers of one window for reading, used again by all files of the process. */

/** Large enough that a read costs little beside the work on its lines. */
export const WINDOW_BYTES = 256 * 1024;
const KEPT_MAX = 16;
const free: Buffer[] = [];

/** A buffer of at least this size, with anything in it. */
export function borrowBuffer(bytes: number): Buffer {
  if (bytes > WINDOW_BYTES) return Buffer.allocUnsafeSlow(bytes);
  return free.pop() ?? Buffer.allocUnsafeSlow(WINDOW_BYTES);
}

export function returnBuffer(buffer: Buffer): void {
  if (buffer.length === WINDOW_BYTES && free.length < KEPT_MAX) free.push(buffer);
}
