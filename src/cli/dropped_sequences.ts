/**
 * Which sequences a sealed archive dropped because their records were delivered again.
 *
 * Invariant: a list out of a file is taken only from a check that found the archive whole; another
 * one could explain away what somebody removed.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { SequenceRange } from "../../processors/hmac_chain/statement.ts";
import { parseRanges } from "../../processors/hmac_chain/statement.ts";
import { AgentError } from "../component/errors.ts";

/** Those of one chain, by its id. */
export type DroppedSequences = (chain: string) => readonly SequenceRange[];

const sequence = z.int().nonnegative();
const verified = z.object({
  status: z.literal("whole"),
  dropped: z.array(z.object({ chain: z.string(), first: sequence, last: sequence })),
});

/**
 * `text` holds ranges such as `41-60,90-95`, which hold for every chain, or names a file with what
 * `verify --json` printed. Throws `hmac_chain.file_unreadable`.
 */
export async function readDropped(text: string | undefined): Promise<DroppedSequences> {
  const ranges = text === undefined ? [] : parseRanges(text);
  if (text === undefined || ranges !== undefined) return () => ranges ?? [];
  const { dropped } = await readVerified(text);
  return (chain) => dropped.filter((range) => range.chain === chain);
}

async function readVerified(path: string): Promise<z.infer<typeof verified>> {
  const content = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const message = `cannot read ${path}: ${cause.code}`;
    throw new AgentError("hmac_chain.file_unreadable", message, { cause });
  });
  const { data } = verified.safeParse(parseJson(content));
  if (data !== undefined) return data;
  const message = `${path} does not say that the archive is whole; expected 'verify --json'`;
  throw new AgentError("hmac_chain.file_unreadable", message);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
