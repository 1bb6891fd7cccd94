/** Bytes of a message to its text, by the keys that receivers of messages have in common. */
import { z } from "zod";

export const textShape = {
  encoding: z
    .enum(["utf-8", "ascii", "latin1", "iso-8859-1"])
    .default("utf-8")
    .describe("Character encoding of the messages; ascii is read as UTF-8."),
  preserve_leading_whitespaces: z
    .boolean()
    .default(false)
    .describe("Whether white space at the beginning of a message stays."),
  preserve_trailing_whitespaces: z
    .boolean()
    .default(false)
    .describe("Whether white space at the end of a message stays."),
};
const textConfig = z.strictObject(textShape);
export type TextConfig = z.infer<typeof textConfig>;

/** "" where nothing is left. Bytes that are none of the encoding become U+FFFD. */
export function messageText(bytes: Buffer, config: TextConfig): string {
  const isLatin1 = config.encoding === "latin1" || config.encoding === "iso-8859-1";
  let text = bytes.toString(isLatin1 ? "latin1" : "utf8");
  if (!config.preserve_leading_whitespaces) text = text.trimStart();
  return config.preserve_trailing_whitespaces ? text : text.trimEnd();
}
