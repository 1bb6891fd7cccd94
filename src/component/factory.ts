/**
 * How a component enters the agent: its name, its configuration schema and a constructor. A factory
 * has no logic. The generated `<kind>s/index.ts` lists them all.
 */
import type { z } from "zod";
import type { Exporter, LogsConsumer, Processor, Receiver } from "./component.ts";
import type { CreateDetector } from "./detector.ts";
import type { QueueOptions } from "./queue.ts";
import type { Settings } from "./settings.ts";

interface FactoryBase<Config> {
  /** YAML key and folder name. */
  readonly type: string;
  /** Other names under which configurations of the OpenTelemetry Collector know it. */
  readonly aliases: readonly string[];
  /** One sentence for `vouchsafe components` and the README. */
  readonly description: string;
  readonly configSchema: z.ZodType<Config>;
}

/** What stands around a processor in one pipeline: types, in order. */
export interface PipelinePosition {
  readonly pipeline: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly exporters: readonly string[];
  /** As in the settings, for a component that has to check what it would ask for. */
  readonly createDetector?: CreateDetector | undefined;
}

export interface ReceiverFactory<Config = unknown> extends FactoryBase<Config> {
  readonly kind: "receiver";
  /** As that of a processor; for a receiver nothing stands before, and the processors behind. */
  checkPosition?(config: Config, position: PipelinePosition): string | undefined;
  create(config: Config, settings: Settings, next: LogsConsumer): Receiver;
}

export interface ProcessorFactory<Config = unknown> extends FactoryBase<Config> {
  readonly kind: "processor";
  /** True when it treats personal data: plaintext ends at the last such processor of a pipeline. */
  readonly protects?: boolean;
  /** True when an exact number of its records is itself private: the pipeline then counts none. */
  readonly countsArePrivate?: boolean;
  /** Offered to all components through their settings; one factory has it. */
  readonly createDetector?: CreateDetector;
  /** An error message when this configuration cannot stand there; `validate` shows its place. */
  checkPosition?(config: Config, position: PipelinePosition): string | undefined;
  create(config: Config, settings: Settings, next: LogsConsumer): Processor;
}

export interface ExporterFactory<Config = unknown> extends FactoryBase<Config> {
  readonly kind: "exporter";
  /** The durable queue that the engine puts before it; undefined or absent: none. */
  queue?(config: Config): QueueOptions | undefined;
  create(config: Config, settings: Settings): Exporter;
}

// A list of factories holds each with its own Config; the schema guarantees that `create` is given
// what it expects. `never` in the parameter position is the type that all of them satisfy, but a
// schema gives its Config, so there it is the unknown one.
type AnyConfig<Factory> = Omit<Factory, "configSchema"> & { readonly configSchema: z.ZodType };

export type AnyReceiverFactory = AnyConfig<ReceiverFactory<never>>;
export type AnyProcessorFactory = AnyConfig<ProcessorFactory<never>>;
export type AnyExporterFactory = AnyConfig<ExporterFactory<never>>;
export type AnyFactory = AnyReceiverFactory | AnyProcessorFactory | AnyExporterFactory;
