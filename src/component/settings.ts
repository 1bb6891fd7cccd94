/**
 * What the agent hands to a component beside its configuration. Nothing else is ambient: a
 * component that needs the time, randomness, a log or a folder takes it from here.
 */
import type { Meter } from "@opentelemetry/api";
import type { OpenAuthenticator } from "./authenticator.ts";
import type { CreateDetector } from "./detector.ts";

export type ComponentKind = "receiver" | "processor" | "exporter" | "extension";

/** `type[/name]`, as a user writes it in YAML (the canonical type, never an alias). */
export interface ComponentId {
  readonly kind: ComponentKind;
  readonly type: string;
  readonly name: string;
}

export function formatComponentId(id: ComponentId): string {
  return id.name === "" ? id.type : `${id.type}/${id.name}`;
}

/** Attributes are counts, ids, paths and kinds. Never log content, never a secret. */
export type LogAttributes = Readonly<Record<string, string | number | boolean>>;

export interface ComponentLogger {
  debug(message: string, attributes?: LogAttributes): void;
  info(message: string, attributes?: LogAttributes): void;
  warn(message: string, attributes?: LogAttributes): void;
  error(message: string, attributes?: LogAttributes): void;
}

/** Cancels a timer; harmless after it fired. */
export type CancelTimer = () => void;

export interface Clock {
  /** Wall clock in milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Wall clock in nanoseconds since the Unix epoch. */
  nowUnixNano(): bigint;
  /** Calls `callback` once, `delayMs` from now. The timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): CancelTimer;
}

/** Fills `bytes` with cryptographically secure random bytes. */
export type RandomSource = (bytes: Uint8Array) => void;

/** `degraded`: working, but something is withheld, blocked or retried. */
export type ComponentStatus = "starting" | "ok" | "degraded" | "failed" | "stopped";

export interface Settings {
  readonly id: ComponentId;
  /** The pipeline a processor stands in, such as `logs/protected`; undefined for the others. */
  readonly pipeline: string | undefined;
  /** Types of the components behind a processor in its pipeline, in order, exporters last. */
  readonly downstream: readonly string[];
  readonly logger: ComponentLogger;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly random: RandomSource;
  /**
   * A private folder (0700) of this component alone below `service.state_directory`, made on the
   * first call: `<type>[~<name>]`, and for a processor `/<pipeline>` below that.
   */
  stateDirectory(): Promise<string>;
  /**
   * The folder `<state_directory>/<type>` that all components of a type share: this one's, or that
   * of another type with which it has a file in common.
   */
  sharedStateDirectory(type?: string): Promise<string>;
  /** The pipelines that a receiver feeds; left out for the others. */
  readonly pipelines?: readonly string[];
  /** SHA-256 (hex) of the effective configuration without its secrets; left out if unknown. */
  readonly configFingerprint?: string | undefined;
  /** Makes a detector of personal data; left out where no component offers one. */
  readonly createDetector?: CreateDetector | undefined;
  /** For receivers whose configuration names an authenticator; see `authenticator.ts`. */
  readonly openAuthenticator?: OpenAuthenticator | undefined;
  /** For a receiver whose source has ended: the agent stops when that is so for all of them. */
  readonly reportFinished?: (() => void) | undefined;
  /** Shown by the health endpoint. `reason` obeys the same rule as a log message. */
  reportStatus(status: ComponentStatus, reason?: string): void;
}
