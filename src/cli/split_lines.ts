/** Cuts a stream of bytes into its lines, without their ends. */
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of source) {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      const last = chunk.subarray(start, end);
      const line = trimEnd(rest.length === 0 ? last : Buffer.concat([...rest, last]));
      rest = [];
      start = end + 1;
      yield line;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  const line = trimEnd(Buffer.concat(rest));
  if (line.length > 0) yield line;
}

function trimEnd(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}
