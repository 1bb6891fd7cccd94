/** Opens what the configuration calls an authenticator. */
import type { OpenAuthenticator } from "../../component/authenticator.ts";
import { AgentError } from "../../component/errors.ts";
import type { Settings } from "../../component/settings.ts";
import { basicAuthenticator } from "./basic.ts";
import { bearerTokenAuthenticator } from "./bearer_token.ts";
import type { AuthenticatorConfig } from "./config.ts";

export function authenticatorOpener(
  authenticators: ReadonlyMap<string, AuthenticatorConfig>,
  settings: Pick<Settings, "clock" | "logger">,
): OpenAuthenticator {
  return async (id) => {
    const found = authenticators.get(id);
    if (found === undefined) {
      throw new AgentError("auth.unusable", `there is no authenticator with the id ${id}`);
    }
    return found.type === "basicauth"
      ? basicAuthenticator(found.config, settings)
      : bearerTokenAuthenticator(found.config, settings);
  };
}
