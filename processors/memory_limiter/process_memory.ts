/** The memory of this process and of the machine or container around it. */
import { totalmem } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Memory {
  /** Bytes of objects and buffers, garbage included. */
  usedBytes(): number;
  totalBytes(): number;
  /** Collects garbage now. */
  collect(): void;
}

let collect: (() => void) | undefined;

export const processMemory: Memory = {
  usedBytes: () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
  totalBytes: () => {
    const machine = totalmem();
    const container = process.constrainedMemory();
    // Without a limit it is 0, or a number larger than any machine.
    return container > 0 ? Math.min(container, machine) : machine;
  },
  collect: () => {
    if (collect === undefined) {
      setFlagsFromString("--expose-gc");
      collect = runInNewContext("gc") as () => void;
    }
    collect();
  },
};
