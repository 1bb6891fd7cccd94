/**
 * Who may send to a receiver. An extension is configured once and named by receivers; the agent
 * hands it to them in their settings.
 */
export interface Authenticator {
  /** What a client is told to show, as a value of `WWW-Authenticate` (RFC 9110 section 11.6.1). */
  readonly challenge: string;
  /**
   * Whether the request may come in. `header` gives a header (or gRPC metadata) by its lower-case
   * name. Never rejects: what cannot be checked does not come in.
   */
  authenticate(header: (name: string) => string | undefined): Promise<boolean>;
}

/** Opens the authenticator with this id (`type[/name]`). Throws `auth.unusable`. */
export type OpenAuthenticator = (id: string) => Promise<Authenticator>;
