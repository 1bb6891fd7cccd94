/** What a graph takes from the agent around it: telemetry, time and folders. */
import type {
  Clock,
  ComponentId,
  ComponentLogger,
  ComponentStatus,
  Settings,
} from "../component/settings.ts";
import type { Branch } from "./branch.ts";

/** Counters of the pipeline, called once a batch. */
export interface PipelineInstruments {
  receiverAccepted(receiver: ComponentId, records: number): void;
  receiverRefused(receiver: ComponentId, records: number): void;
  processorIncoming(processor: ComponentId, pipeline: string, records: number): void;
  processorOutgoing(processor: ComponentId, pipeline: string, records: number): void;
  exporterSent(exporter: ComponentId, records: number): void;
  exporterFailed(exporter: ComponentId, records: number): void;
  withheld(pipeline: string, reason: string, records: number): void;
  /** Shows the age of the oldest undelivered batch of these branches alone, when scraped. */
  observeBranches(branches: readonly Branch[]): void;
}

export interface GraphEnvironment {
  readonly clock: Clock;
  readonly instruments: PipelineInstruments;
  loggerFor(id: ComponentId, pipeline: string | undefined): ComponentLogger;
  settingsFor(
    id: ComponentId,
    pipeline: string | undefined,
    downstream: readonly string[],
  ): Settings;
  reportStatus(
    id: ComponentId,
    pipeline: string | undefined,
    status: ComponentStatus,
    reason?: string,
  ): void;
  /** The agent's own log, for what concerns no single component. */
  readonly logger: ComponentLogger;
}
