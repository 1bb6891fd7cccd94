/** What a process has used so far, from Linux' own accounting. */
import { readFileSync } from "node:fs";

/** `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface ProcessUsage {
  /** User and system time of all its threads. */
  readonly cpuSeconds: number;
  /** Of the thread that runs JavaScript; the others are V8's (garbage, compiler) and libuv's. */
  readonly mainThreadCpuSeconds: number;
  readonly residentBytes: number;
  readonly residentPeakBytes: number;
}

/** Reads `/proc/<pid>`; throws when there is no such process. */
export function processUsage(pid: number): ProcessUsage {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const kibibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
  return {
    cpuSeconds: cpuSecondsOf(`/proc/${pid}/stat`),
    mainThreadCpuSeconds: cpuSecondsOf(`/proc/${pid}/task/${pid}/stat`),
    residentBytes: kibibytes("VmRSS") * 1024,
    residentPeakBytes: kibibytes("VmHWM") * 1024,
  };
}

/** User and system time of a `stat` file of a process or a thread. */
function cpuSecondsOf(path: string): number {
  const stat = readFileSync(path, "latin1");
  // The second field is the name in parentheses and may hold spaces; count from behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
