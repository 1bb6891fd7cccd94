/**
 * A name for the effective configuration: the same files and order of keys or not, the same
 * configuration has the same fingerprint.
 *
 * Invariant: no secret goes into the hash, so that none can be guessed from it. A substitution
 * counts as the text `${env:NAME}`, and of a value whose key looks like a secret only its kind
 * counts.
 */
import { createHash } from "node:crypto";
import type { ConfigNode, ScalarNode } from "./node.ts";
import { describeKind } from "./node.ts";

const SECRET_WORD = "key|password|passphrase|token|secret|credential|pem|cookie|authorization";
const SECRET_KEY = new RegExp(`(?:^|[_.-]|api)(?:${SECRET_WORD})s?$`, "i");
const SECRET_MAPS = new Set(["headers", "cookies", "htpasswd"]);

/** @param root the merged configuration before substitution. */
export function fingerprintOf(root: ConfigNode): string {
  return createHash("sha256")
    .update(JSON.stringify(canonical(root, false)))
    .digest("hex");
}

const HIDDEN = "(secret)";

/** The same tree as plain values, with `(secret)` for what the fingerprint leaves out. */
export function withoutSecrets(node: ConfigNode, isSecret = false): unknown {
  if (node.kind === "list") return node.items.map((item) => withoutSecrets(item, isSecret));
  if (node.kind === "scalar") return isSecret && !isReference(node) ? HIDDEN : node.value;
  return Object.fromEntries(
    [...node.entries].map(([key, { value }]) => [
      key,
      withoutSecrets(value, isSecret || SECRET_MAPS.has(key) || isSecretScalar(key, value)),
    ]),
  );
}

/** Maps become lists of sorted pairs, so that no key of theirs can be mistaken for another. */
function canonical(node: ConfigNode, isSecret: boolean): unknown {
  if (node.kind === "list") return ["list", ...node.items.map((item) => canonical(item, isSecret))];
  if (node.kind === "map") {
    const pairs = [...node.entries].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      "map",
      ...pairs.map(([key, { value }]) => [
        key,
        canonical(value, isSecret || SECRET_MAPS.has(key) || isSecretScalar(key, value)),
      ]),
    ];
  }
  return isSecret && !isReference(node) ? { secret: describeKind(node) } : node.value;
}

/** `${env:NAME}` as a whole; one with a default says what it stands for. */
function isReference({ value }: ScalarNode): boolean {
  return typeof value === "string" && /^\$\{[^}]*\}$/.test(value) && !value.includes(":-");
}

function isSecretScalar(key: string, value: ConfigNode): boolean {
  return value.kind !== "map" && SECRET_KEY.test(key);
}
