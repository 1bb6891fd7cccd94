/** A URI, an absolute path or a query to its parts: the Collector's `uri_parser`. */
import type { AnyValueMap } from "../../data/any_value.ts";
import { setOwn } from "../../data/any_value.ts";
import type { UriParserConfig } from "./config.ts";
import type { Operator, OperatorContext } from "./operator.ts";
import { parserOperator } from "./parser.ts";

/** RFC 3986, appendix B, without a fragment: what is requested has none. */
const URI = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/s;
const AUTHORITY = /^(?:([^@]*)@)?(\[[0-9A-Fa-f:.%]+\]|[^:[\]]*)(?::(\d*))?$/;

export function uriParser(config: UriParserConfig, context: OperatorContext): Operator {
  return parserOperator(config, context, uriFields);
}

/** `scheme`, `user`, `host`, `port`, `path` and `query`, as far as they are there. */
export function uriFields(text: string): AnyValueMap | undefined {
  if (text.startsWith("?")) return withQuery({}, text.slice(1));
  const match = URI.exec(text);
  if (match === null || /[\0-\x20\x7f]/.test(text)) return undefined;
  const [, scheme, authority, path = "", query] = match;
  if (scheme === undefined && !text.startsWith("/")) return undefined;
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  const parts = authority === undefined ? undefined : AUTHORITY.exec(authority);
  if (parts === null) return undefined;
  const [, user, host, port] = parts ?? [];
  const fields: AnyValueMap = {};
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== "") fields[name] = value;
  };
  set("scheme", scheme?.toLowerCase());
  // What stands behind the colon is a password, which has no place in a log.
  set("user", user === undefined ? undefined : (decoded(user.split(":", 1)[0]!) ?? user));
  set("host", host?.replace(/^\[(.*)\]$/, "$1"));
  set("port", port);
  set("path", path);
  return query === undefined ? fields : withQuery(fields, query);
}

/** Each parameter with the list of its values; pairs that are malformed are left out, as in Go. */
function withQuery(fields: AnyValueMap, query: string): AnyValueMap {
  const parameters: AnyValueMap = {};
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const at = pair.indexOf("=");
    const name = decoded(plusAsBlank(at < 0 ? pair : pair.slice(0, at)));
    const value = at < 0 ? "" : decoded(plusAsBlank(pair.slice(at + 1)));
    if (name === undefined || value === undefined) continue;
    const known = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (Array.isArray(known)) known.push(value);
    else setOwn(parameters, name, [value]);
  }
  if (Object.keys(parameters).length > 0) fields.query = parameters;
  return fields;
}

function plusAsBlank(text: string): string {
  return text.replaceAll("+", " ");
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
