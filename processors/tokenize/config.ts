/** What a user writes for `tokenize`. */
import { z } from "zod";

const DOMAIN = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export const configSchema = z.strictObject({
  domain: z
    .string()
    .regex(DOMAIN, "use 1 to 64 of a-z, 0-9, . _ -, beginning with a letter or a digit")
    .describe("tokens of different domains cannot be joined, even with the same key"),
  keys: z.strictObject({
    provider: z.literal("file").default("file").describe("where the root keys come from"),
    directory: z
      .string()
      .min(1)
      .describe(
        "folder with `token-<key id>.key` files; `vouchsafe keys generate token` makes one",
      ),
  }),
  attributes: z
    .array(z.string().min(1))
    .default([])
    .describe("attributes whose whole value becomes a token, such as `user.id`"),
  cache_size: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(65_536)
    .describe("values whose tokens are remembered, for each entity"),
});

export type Config = z.infer<typeof configSchema>;
