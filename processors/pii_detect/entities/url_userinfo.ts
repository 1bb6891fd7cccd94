/** User name and password inside a URL (RFC 3986 section 3.2.1). */
import { KEY } from "../characters.ts";
import { isPlaceholder } from "../placeholders.ts";
import type { ScannedText } from "../scanned_text.ts";
import { classAt, codeAt } from "../scanned_text.ts";
import type { Entity, Found } from "./entity.ts";

const SLASH = 0x2f;
const AT = 0x40;
const LENGTH_MAX = 1024;

/** Schemes in which a user name without a password is a person's login or a token. */
const LOGIN_SCHEMES = new Set(
  (
    "http https ftp ftps sftp ssh git svn smb ldap ldaps ws wss rtsp imap imaps smtp smtps pop3 " +
    "postgres postgresql mysql mariadb mongodb redis rediss amqp amqps"
  ).split(" "),
);

export const urlUserinfo: Entity = {
  name: "url_userinfo",
  description: "`user:password` in front of the host of a URL",
  tier: "A",
  nature: "secret",
  triggers: [{ characters: ":", before: "\\w", after: "/", verify: verifyUserinfo }],
};

function verifyUserinfo(text: ScannedText, at: number, found: Found): void {
  if (codeAt(text, at + 2) !== SLASH) return;
  const start = at + 3;
  const limit = Math.min(text.length, start + LENGTH_MAX);
  let end = -1;
  for (let index = start; index < limit; index++) {
    const code = text.codes[index]!;
    // The authority ends here; a password that holds one of these must be percent-encoded.
    if (code <= 0x20 || code === SLASH || code === 0x3f || code === 0x23) break;
    if (code === 0x22 || code === 0x27 || code === 0x5c) break;
    if (code === AT) end = index;
  }
  if (end <= start) return;
  // Past the `@`, so that the password's end and the host are not taken for an e-mail address.
  found.resume = end + 1;
  if (!isLogin(text, at, start, end)) return;
  if (!isPlaceholder(text.string, start, end)) found.add("url_userinfo", start, end, 0.95);
}

/** `akka.tcp://system@host` names a part of a program. */
function isLogin(text: ScannedText, schemeEnd: number, start: number, end: number): boolean {
  if (text.slice(start, end).includes(":")) return true;
  let schemeStart = schemeEnd;
  while (schemeEnd - schemeStart < 12 && (classAt(text, schemeStart - 1) & KEY) !== 0)
    schemeStart--;
  return LOGIN_SCHEMES.has(text.slice(schemeStart, schemeEnd).toLowerCase());
}
