import { Encrypter } from "age-encryption";
import { z } from "zod";

export const configSchema = z.strictObject({
  recipients: z
    .array(z.string().refine(isRecipient, "expected an age recipient (age1...)"))
    .default([])
    .describe(
      "Auditors (age recipients) to whom the chain's first key is sealed at its genesis. Without " +
        "any, an identity is made in the state directory, to be moved off this host.",
    ),
  key_file: z
    .string()
    .min(1)
    .optional()
    .describe(
      "A key made with `vouchsafe keys generate chain`, used once, at the genesis, instead of a " +
        "random one.",
    ),
  ratchet: z
    .enum(["batch", "record"])
    .default("batch")
    .describe(
      "How often the key is replaced by its successor. A thief of the running agent's memory can " +
        "forge what the current key covers, and nothing before it.",
    ),
});

export type Config = z.infer<typeof configSchema>;

function isRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}
