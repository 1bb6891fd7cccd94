/**
 * Which web pages may send records (Fetch standard, "CORS protocol").
 *
 * Invariant: an origin that is not allowed is told nothing, so its browser keeps the request back.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { CorsConfig } from "./config.ts";

/** Headers that a page may always send, as with the Collector. */
const ALWAYS_ALLOWED = ["accept", "content-type", "x-requested-with"];

export class Cors {
  readonly #config: CorsConfig;
  readonly #origins: readonly RegExp[];
  readonly #allowsAll: boolean;
  readonly #headers: ReadonlySet<string>;

  constructor(config: CorsConfig) {
    this.#config = config;
    this.#origins = config.allowed_origins.map(originPattern);
    this.#allowsAll = config.allowed_origins.includes("*");
    const names = config.allowed_headers.map((name) => name.toLowerCase());
    this.#headers = new Set([...ALWAYS_ALLOWED, ...names]);
  }

  /** Headers of any answer. */
  answerHeaders(request: IncomingHttpHeaders): Record<string, string> {
    const { origin } = request;
    if (origin === undefined || !this.#allows(origin)) return {};
    const { exposed_headers: exposed } = this.#config;
    return {
      ...(this.#allowsAll
        ? { "access-control-allow-origin": "*" }
        : {
            "access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
            vary: "Origin",
          }),
      ...(exposed.length > 0 && { "access-control-expose-headers": exposed.join(", ") }),
    };
  }

  /**
   * Headers of the answer to a browser that asks before it sends; undefined when the request is no
   * such question.
   */
  preflightHeaders(
    method: string | undefined,
    request: IncomingHttpHeaders,
  ): Record<string, string> | undefined {
    const wanted = request["access-control-request-method"];
    if (method !== "OPTIONS" || request.origin === undefined || wanted === undefined) {
      return undefined;
    }
    const vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
    const names = (request["access-control-request-headers"] ?? "")
      .split(",")
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== "");
    const allowsHeaders = this.#headers.has("*") || names.every((name) => this.#headers.has(name));
    if (!this.#allows(request.origin) || wanted !== "POST" || !allowsHeaders) return { vary };
    const { max_age: maxAgeS } = this.#config;
    return {
      ...this.answerHeaders(request),
      vary,
      "access-control-allow-methods": "POST",
      ...(names.length > 0 && { "access-control-allow-headers": names.join(", ") }),
      ...(maxAgeS > 0 && { "access-control-max-age": String(maxAgeS) }),
    };
  }

  #allows(origin: string): boolean {
    return this.#origins.some((pattern) => pattern.test(origin));
  }
}

/** `*` stands for any text; case does not matter. */
function originPattern(text: string): RegExp {
  const parts = text.split("*").map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join(".*")}$`, "i");
}
