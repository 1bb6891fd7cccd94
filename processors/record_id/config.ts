/** Configuration of the record_id processor. */
import { z } from "zod";

export const configSchema = z.strictObject({
  attribute: z
    .string()
    .min(1)
    .default("log.record.uid")
    .describe("Attribute that holds the id; by default that of the semantic conventions."),
});

export type Config = z.infer<typeof configSchema>;
