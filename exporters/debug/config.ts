/** Configuration of the debug exporter; the keys are the Collector's. */
import { z } from "zod";

export const configSchema = z.strictObject({
  verbosity: z
    .enum(["basic", "normal", "detailed"])
    .default("basic")
    .describe("`basic`: a line a batch with counts. `normal`: a line a record. `detailed`: all."),
  sampling_initial: z
    .int()
    .min(0)
    .default(2)
    .describe("Batches that are printed in each second before sampling begins."),
  sampling_thereafter: z
    .int()
    .min(0)
    .default(1)
    .describe("After those, one batch in this many is printed; 1 prints all, 0 none."),
});

export type Config = z.infer<typeof configSchema>;
