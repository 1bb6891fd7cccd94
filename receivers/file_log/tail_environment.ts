/** What all tails of a receiver share. */
import type { Settings } from "../../src/component/settings.ts";
import type { ByteBudget } from "../../src/lib/delivery/byte_budget.ts";
import type { DeliveryEnvironment } from "../../src/lib/delivery/delivery.ts";
import type { FileLogConfig } from "./config.ts";
import type { HandleLimit } from "./handle_limit.ts";
import type { Instruments } from "./instruments.ts";
import type { OffsetStore } from "./offset_store.ts";
import type { Splitter } from "./splitter.ts";
import type { Tail } from "./tail.ts";
import type { WarnOnce } from "./warn_once.ts";

export interface TailEnvironment {
  readonly config: FileLogConfig;
  readonly settings: Settings;
  readonly store: OffsetStore;
  readonly splitter: Splitter;
  readonly budget: ByteBudget;
  readonly handles: HandleLimit;
  readonly delivery: DeliveryEnvironment;
  readonly instruments: Instruments;
  readonly warn: WarnOnce;
  readonly operatorFailed: (operator: string, quiet: boolean) => void;
  /** True once the receiver is to read nothing more. */
  readonly isStopping: () => boolean;
  /** The file's inode holds another content now, which is read from `startAt` on. */
  readonly replaced: (tail: Tail, startAt: number) => void;
  /** The path leads elsewhere: the file has to be looked for. */
  readonly displaced: (tail: Tail) => void;
}
