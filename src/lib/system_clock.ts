/** The machine's own clock and randomness, behind the interfaces that components are given. */
import { randomFillSync } from "node:crypto";
import type { Clock, RandomSource } from "../component/settings.ts";

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  nowUnixNano: () => {
    const nowMs = performance.timeOrigin + performance.now();
    const wholeMs = Math.floor(nowMs);
    return BigInt(wholeMs) * 1_000_000n + BigInt(Math.floor((nowMs - wholeMs) * 1_000_000));
  },
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export const systemRandom: RandomSource = (bytes) => {
  randomFillSync(bytes);
};
