/** Clients that show a user and a password (RFC 7617), the Collector's `basicauth`. */
import { hash } from "node:crypto";
import type { Authenticator } from "../../component/authenticator.ts";
import type { Settings } from "../../component/settings.ts";
import type { BasicAuthConfig } from "./config.ts";
import type { Users } from "./htpasswd.ts";
import { parseHtpasswd, verifyPassword } from "./htpasswd.ts";
import { SecretFile } from "./secret_file.ts";

/** Answers that are remembered, because a password hash is slow by design. */
const REMEMBERED_MAX = 1000;

/** @throws AgentError `auth.unusable` */
export async function basicAuthenticator(
  { htpasswd }: BasicAuthConfig,
  settings: Pick<Settings, "clock" | "logger">,
): Promise<Authenticator> {
  const { file: path, inline } = htpasswd;
  const own = parseHtpasswd(inline ?? "");
  const file =
    path === undefined ? undefined : await SecretFile.open(path, settings, parseHtpasswd);
  let remembered = new Map<string, boolean>();
  let users: Users | undefined;
  return {
    challenge: 'Basic realm="vouchsafe", charset="UTF-8"',
    authenticate: async (headerOf) => {
      const shown = headerOf("authorization") ?? "";
      const current = await file?.current();
      if (current !== users) remembered = new Map();
      users = current;
      const key = hash("sha256", shown, "base64");
      const known = remembered.get(key);
      if (known !== undefined) return known;
      const credentials = credentialsOf(shown);
      if (credentials === undefined) return false;
      const stored = own.get(credentials.user) ?? current?.get(credentials.user);
      if (stored === undefined) return false;
      const isRight = verifyPassword(stored, credentials.password);
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(key, isRight);
      return isRight;
    },
  };
}

function credentialsOf(header: string): { user: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
