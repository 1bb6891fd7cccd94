/** Clients that show one of several tokens (RFC 6750), the Collector's `bearertokenauth`. */
import { hash, timingSafeEqual } from "node:crypto";
import type { Authenticator } from "../../component/authenticator.ts";
import { AgentError } from "../../component/errors.ts";
import type { Settings } from "../../component/settings.ts";
import type { BearerTokenConfig } from "./config.ts";
import { SecretFile } from "./secret_file.ts";

/** @throws AgentError `auth.unusable` */
export async function bearerTokenAuthenticator(
  config: BearerTokenConfig,
  settings: Pick<Settings, "clock" | "logger">,
): Promise<Authenticator> {
  const { header, scheme, token, tokens, filename } = config;
  const given = tokens ?? (token === undefined ? [] : [token]);
  const file =
    filename === undefined ? undefined : await SecretFile.open(filename, settings, digestsOfLines);
  const fixed = given.map(digestOf);
  const name = header.toLowerCase();
  const prefix = scheme === "" ? "" : `${scheme} `;
  return {
    challenge: scheme === "" ? "Bearer" : scheme,
    authenticate: async (headerOf) => {
      const shown = headerOf(name);
      // RFC 9110 section 11.1: the scheme is compared without regard to case.
      if (shown === undefined || !startsWithIgnoringCase(shown, prefix)) return false;
      const digest = digestOf(shown.slice(prefix.length));
      let isKnown = false;
      // All are compared, and in constant time, so that the time tells nothing of the tokens.
      for (const known of (await file?.current()) ?? fixed) {
        isKnown = timingSafeEqual(known, digest) || isKnown;
      }
      return isKnown;
    },
  };
}

function startsWithIgnoringCase(text: string, prefix: string): boolean {
  return text.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
}

function digestOf(token: string): Buffer {
  return hash("sha256", token, "buffer");
}

function digestsOfLines(text: string): readonly Buffer[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const digests = lines.filter((line) => line !== "").map(digestOf);
  if (digests.length === 0) throw new AgentError("auth.unusable", "a file of tokens is empty");
  return digests;
}
