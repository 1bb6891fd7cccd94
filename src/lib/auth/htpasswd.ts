/**
 * Files of `user:hash` lines, as Apache's htpasswd and `openssl passwd` make them.
 *
 * SHA-crypt (`$5$`, `$6$`) is the good one of the hashes that are read here. bcrypt is not read:
 * the runtime has none.
 */
import { createHash, hash, timingSafeEqual } from "node:crypto";
import { AgentError } from "../../component/errors.ts";
import { md5Crypt } from "./md5_crypt.ts";
import { shaCrypt } from "./sha_crypt.ts";

/** Stored passwords, in whatever form, by user. */
export type Users = ReadonlyMap<string, string>;

/** @throws AgentError `auth.unusable` for a line that is none; it names the line only. */
export function parseHtpasswd(text: string): Users {
  const users = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const stored = line.slice(colon + 1).trim();
    if (colon < 1 || stored === "") throw unusable(index, "is not `user:hash`");
    if (/^\$2[abxy]?\$/.test(stored)) {
      throw unusable(index, "is a bcrypt hash; make another one: openssl passwd -6");
    }
    if (/^\$[56]\$/.test(stored) && shaCrypt("", stored) === undefined) {
      throw unusable(index, "is no hash of SHA-crypt, or has too many rounds");
    }
    users.set(line.slice(0, colon), stored);
  }
  return users;
}

export function verifyPassword(stored: string, password: string): boolean {
  return isEqual(stored, hashLike(stored, password));
}

/** The password in the form of the stored one. */
function hashLike(stored: string, password: string): string {
  if (stored.startsWith("{SHA}")) {
    return `{SHA}${createHash("sha1").update(password).digest("base64")}`;
  }
  if (/^\$(apr1|1)\$/.test(stored)) return md5Crypt(password, stored);
  if (/^\$[56]\$/.test(stored)) return shaCrypt(password, stored)!;
  return password;
}

function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}

function unusable(index: number, problem: string): AgentError {
  return new AgentError("auth.unusable", `line ${index + 1} of the htpasswd ${problem}`);
}
