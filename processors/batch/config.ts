/** Configuration of the batch processor; keys and defaults are the Collector's. */
import { z } from "zod";
import { durationMs } from "../../config/values.ts";

export const configSchema = z
  .strictObject({
    send_batch_size: z
      .int()
      .min(0)
      .default(8192)
      .describe("Records after which a batch is handed on, whatever the time; `0` never waits."),
    timeout: durationMs
      .prefault("200ms")
      .describe("Time after which a batch is handed on, whatever its size; `0` never waits."),
    send_batch_max_size: z
      .int()
      .min(0)
      .default(0)
      .describe("A larger batch is split; `0` splits none. Not below `send_batch_size`."),
  })
  .superRefine(({ send_batch_size: size, send_batch_max_size: max }, context) => {
    if (max === 0 || max >= size) return;
    const message = "must not be smaller than send_batch_size";
    context.addIssue({ code: "custom", path: ["send_batch_max_size"], message });
  });

export type Config = z.infer<typeof configSchema>;
