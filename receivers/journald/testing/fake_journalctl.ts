/**
 * Stands in for journalctl in tests: gives the entries of a recording in the Journal Export Format,
 * understands the words that the receiver uses, and follows the recording while it grows.
 */
import { appendFileSync, existsSync, readFileSync, writeSync } from "node:fs";

const { JOURNAL_RECORDING = "", JOURNAL_CALLS = "" } = process.env;
const words = process.argv.slice(2);
if (JOURNAL_CALLS !== "") appendFileSync(JOURNAL_CALLS, `${JSON.stringify(words)}\n`);
if (existsSync(`${JOURNAL_RECORDING}.fail`)) {
  writeSync(2, "Failed to open the journal\n");
  process.exitCode = 1;
} else if (words.includes("--version")) writeSync(1, "systemd 252\n");
else if (words.includes("--lines=1")) writeSync(1, entries().at(-1)?.bytes ?? Buffer.alloc(0));
else follow();

interface Recorded {
  readonly cursor: string;
  readonly bytes: Buffer;
}

/** Every entry of the recordings begins with its cursor. */
function entries(): Recorded[] {
  const text = readFileSync(JOURNAL_RECORDING, "latin1");
  return text
    .split(/(?=^__CURSOR=)/m)
    .filter((entry) => entry.endsWith("\n\n"))
    .map((entry) => ({
      cursor: /^__CURSOR=(.*)/.exec(entry)![1]!,
      bytes: Buffer.from(entry, "latin1"),
    }));
}

function follow(): void {
  const at = words.indexOf("--after-cursor");
  const after = at < 0 ? "" : words[at + 1]!;
  let given = entries().findIndex(({ cursor }) => cursor === after) + 1;
  const give = (): void => {
    const all = entries();
    for (; given < all.length; given++) process.stdout.write(all[given]!.bytes);
    if (existsSync(`${JOURNAL_RECORDING}.end`)) clearInterval(timer);
  };
  const timer = setInterval(give, 5);
  give();
}
