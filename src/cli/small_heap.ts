/**
 * Gives the agent a small heap. On a machine with much memory V8 lets garbage lie about until the
 * process is several times as large as what it uses; a log agent is a guest on its host.
 */
import process from "node:process";

/**
 * A small young generation, and a limit of the old one that is far above what the agent's own
 * limits allow, but makes V8 collect like on a small machine. Peaks: see docs/benchmarks.md.
 */
const HEAP_FLAGS = ["--max-semi-space-size=4", "--max-old-space-size=400"];
/** One malloc arena a thread is glibc's default; each keeps what it once had. */
const MALLOC_ARENAS = { MALLOC_ARENA_MAX: "2" };

/**
 * Starts the same program again in this process with those flags, once. Returns when they are set
 * already, when somebody chose other ones, or where a process cannot replace itself.
 */
export function restartWithSmallHeap(): void {
  const chosen = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  if (/--max-(old|semi)-space-size|--inspect/.test(chosen)) return;
  if (process.platform === "win32" || process.execve === undefined) return;
  const words = [...HEAP_FLAGS, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, [process.execPath, ...words], {
    ...process.env,
    ...MALLOC_ARENAS,
  });
}
