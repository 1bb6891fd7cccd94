/** Identity files as `age-keygen` writes them: comments, empty lines, one identity a line. */
import { readFile } from "node:fs/promises";
import { Decrypter } from "age-encryption";
import { AgentError } from "../../component/errors.ts";

/** Throws `archive.identity_invalid`; the message never quotes the file. */
export async function readIdentities(path: string): Promise<Decrypter> {
  const content = await readFile(path).catch(() => undefined);
  if (content === undefined) throw invalid(`cannot read the identity file ${path}`);
  const decrypter = new Decrypter();
  let count = 0;
  for (const [number, line] of content.toString("utf8").split(/\r?\n/).entries()) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    try {
      decrypter.addIdentity(text);
    } catch {
      throw invalid(`${path}: line ${number + 1} is no age identity (AGE-SECRET-KEY-1...)`);
    }
    count++;
  }
  if (count === 0) throw invalid(`${path} holds no age identity`);
  return decrypter;
}

function invalid(message: string): AgentError {
  return new AgentError("archive.identity_invalid", message);
}
