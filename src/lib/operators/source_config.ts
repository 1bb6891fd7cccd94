/** Keys that the receivers with operators have in common: the Collector's, and one of ours. */
import { z } from "zod";
import { byteSize, durationMs } from "../../../config/values.ts";
import { operatorConfigs } from "./config.ts";

/** Attribute values as OTLP knows them; YAML gives nothing else but null, which has no use here. */
const attributeValue = z.union([z.string(), z.number(), z.boolean()]);
const positiveDuration = durationMs.refine((ms) => ms > 0, "must be longer than 0s");
const operators = operatorConfigs.default([]);

export const sourceShape = {
  attributes: z
    .record(z.string(), attributeValue)
    .default({})
    .describe("Attributes of every record."),
  resource: z
    .record(z.string(), attributeValue)
    .default({})
    .describe("Attributes of the resource of every record."),
  operators: operators.describe("Steps from a line to a record."),
  retry_on_failure: z
    .strictObject({
      enabled: z
        .literal(true, "what is refused for the moment is never dropped here, so this is always on")
        .default(true)
        .describe("Always on, as only records that are delivered are done with."),
      initial_interval: positiveDuration
        .prefault("1s")
        .describe("Wait before a refused batch is offered again for the first time."),
      max_interval: positiveDuration.prefault("30s").describe("The wait doubles up to this."),
      max_elapsed_time: durationMs
        .refine((ms) => ms === 0, "records are never dropped after a time here: set 0, for ever")
        .prefault("0")
        .describe("0: it is tried for ever."),
    })
    .prefault({})
    .describe("Batches that are refused for the moment are offered again without end."),
};

/** Of a receiver that reads no files. */
export const streamShape = {
  ...sourceShape,
  operators: operators
    .describe("Steps from a text to a record, as those of `file_log`.")
    .meta({ sameAs: "#/$defs/receiver.file_log/properties/operators" }),
  max_in_flight_bytes: byteSize
    .refine((bytes) => bytes > 0, "must be larger than 0")
    .prefault("4MiB")
    .describe("Bytes that are read and not yet acknowledged. Not in the Collector."),
};
const streamConfig = z.strictObject(streamShape);
export type StreamConfig = z.infer<typeof streamConfig>;
