/** JSON Web Tokens (RFC 7519), signed, unsigned or encrypted, whole or without the signature. */
import { ALNUM, DASH } from "../characters.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt, runEnd } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const DOT = 0x2e;
const HEADER_LENGTH_MAX = 4096;
const BASE64URL = ALNUM | DASH;
const SEGMENTS_MAX = 5;

export const jwt: Entity = {
  name: "jwt",
  description: "JSON Web Token whose header is JSON with `alg`",
  tier: "A",
  nature: "secret",
  triggers: [{ characters: "J", before: "y", verify: verifyJwt }],
};

function verifyJwt(text: ScannedText, at: number, found: Found): void {
  const start = at - 2;
  if (codeAt(text, start) !== 0x65 || (classAt(text, start - 1) & BASE64URL) !== 0) return;
  const headerEnd = runEnd(text, at, BASE64URL, text.length);
  // What was looked at is one run: nothing else starts inside it.
  found.resume = headerEnd;
  if (codeAt(text, headerEnd) !== DOT || headerEnd - start > HEADER_LENGTH_MAX) return;
  const header = Buffer.from(text.slice(start, headerEnd), "base64url").toString("latin1");
  if (!header.includes('"alg"')) return;
  let end = runEnd(text, headerEnd + 1, BASE64URL, text.length);
  if (end - headerEnd < 5) return;
  for (let segments = 2; segments < SEGMENTS_MAX && codeAt(text, end) === DOT; segments++) {
    end = runEnd(text, end + 1, BASE64URL, text.length);
  }
  found.add("jwt", start, end, 1);
  found.resume = end;
}
