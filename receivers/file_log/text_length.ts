/** How long a compressed file's text is: `start_at: end` begins behind it. */
import { createReadStream } from "node:fs";
import { constants, createGunzip } from "node:zlib";

export async function textLength(path: string): Promise<number> {
  let length = 0;
  const compressed = createReadStream(path);
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  compressed.on("error", (error) => gunzip.destroy(error));
  for await (const chunk of compressed.pipe(gunzip)) length += (chunk as Buffer).length;
  return length;
}
