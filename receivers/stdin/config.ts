/** Configuration of the `stdin` receiver. */
import { z } from "zod";
import { byteSize } from "../../config/values.ts";
import { textShape } from "../../src/lib/framing/message_text.ts";
import { streamShape } from "../../src/lib/operators/source_config.ts";

export const configSchema = z.strictObject({
  max_log_size: byteSize
    .refine((bytes) => bytes > 0, "must be larger than 0")
    .refine((bytes) => bytes <= 64 * 1024 * 1024, "must be at most 64MiB")
    .prefault("1MiB")
    .describe("Largest line; a longer one is cut, and its rest left out."),
  ...textShape,
  ...streamShape,
});

export type StdinConfig = z.infer<typeof configSchema>;
