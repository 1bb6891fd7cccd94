/** Private keys in PEM form (RFC 7468) and age identities. */
import type { ScannedText } from "../scanned_text.ts";
import { codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const DASH = 0x2d;
const BEGIN = "-----BEGIN ";
const LABEL_LENGTH_MAX = 64;

export const privateKey: Entity = {
  name: "private_key",
  description: "PEM private key, also cut off or with escaped line ends",
  tier: "A",
  nature: "secret",
  triggers: [{ characters: "-", before: "\\W", after: "-", verify: verifyPem }],
};

function verifyPem(text: ScannedText, at: number, found: Found): void {
  if (codeAt(text, at - 1) === DASH || !text.startsWith(BEGIN, at)) return;
  const labelStart = at + BEGIN.length;
  const label = text.slice(labelStart, labelStart + LABEL_LENGTH_MAX);
  if (!/^[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----/.test(label)) return;
  const bodyStart = text.string.indexOf("-----", labelStart) + 5;
  const footer = text.string.indexOf("-----END ", bodyStart);
  // A line cut off by a size limit has no footer: the key goes to the end.
  const footerEnd = footer < 0 ? -1 : text.string.indexOf("-----", footer + 9);
  const end = footerEnd < 0 ? text.length : footerEnd + 5;
  if (found.add("private_key", at, end, 1)) found.resume = end;
}
