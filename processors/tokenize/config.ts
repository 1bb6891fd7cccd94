/** What a user writes for `tokenize`. */
import { z } from "zod";
import { durationMs } from "../../config/values.ts";
import { readersOf, vaultSchema } from "./vault/vault_config.ts";

const DOMAIN = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const ADDRESS_MODES = ["ipcrypt_deterministic", "ipcrypt_pfx", "truncate"] as const;
const VAULT_MODES = ["random", "encrypt"] as const;
const MODES = ["hmac", "ff1", ...ADDRESS_MODES, ...VAULT_MODES] as const;
const ENTITY = /^[a-z][a-z0-9_]{0,47}$/;
const ADDRESSES = ["ipv4", "ipv6"];
const KEEP_LAST_MAX = 8;
const DAY_MS = 86_400_000;

const entitySettings = z.strictObject({
  mode: z
    .enum(MODES)
    .default("hmac")
    .describe(
      "hmac: `<entity:key id:code>`. ff1: digits stay digits (NIST SP 800-38G). For addresses: " +
        "ipcrypt_pfx keeps common prefixes, ipcrypt_deterministic nothing, truncate the network. " +
        "With a vault: random is a token that it issues, encrypt the value under a key of the " +
        "person.",
    ),
  keep_domain: z
    .boolean()
    .default(false)
    .describe("For e-mail addresses: the domain stays behind the token."),
  keep_last: z
    .int()
    .min(1)
    .max(KEEP_LAST_MAX)
    .optional()
    .describe("Digits at the end that stay, at most half of them: the last four of a card."),
  prefix_ipv4: z.int().min(0).max(32).default(24).describe("Bits that truncate keeps of IPv4."),
  prefix_ipv6: z.int().min(0).max(128).default(48).describe("Bits that truncate keeps of IPv6."),
});

export type EntitySettings = z.infer<typeof entitySettings>;

const entities = z.record(z.string(), entitySettings).superRefine((byName, context) => {
  for (const [name, settings] of Object.entries(byName)) {
    const problem = problemOf(name, settings);
    if (problem === undefined) continue;
    const { key, message } = problem;
    const path = key === undefined ? [name] : [name, key];
    context.addIssue({ code: "custom", path, message });
  }
});

function problemOf(
  name: string,
  { mode, keep_domain: keepDomain, keep_last: keepLast }: EntitySettings,
): { readonly key?: string; readonly message: string } | undefined {
  if (!ENTITY.test(name)) return { message: "is no name of an entity, such as payment_card" };
  const isAddress = ADDRESSES.includes(name);
  if (mode === "ff1" && (isAddress || name === "email")) {
    return { key: "mode", message: "ff1 is for numbers; an address has ipcrypt_pfx or hmac" };
  }
  if (includes(ADDRESS_MODES, mode) && !isAddress) {
    return { key: "mode", message: `${mode} is for ipv4 and ipv6 only` };
  }
  if (keepDomain && (name !== "email" || mode !== "hmac")) {
    return { key: "keep_domain", message: "is for email with mode hmac only" };
  }
  if (keepLast !== undefined && (isAddress || name === "email")) {
    return { key: "keep_last", message: "is for numbers, such as payment_card" };
  }
  if (keepLast !== undefined && includes(VAULT_MODES, mode)) {
    return { key: "keep_last", message: "is for the modes hmac and ff1" };
  }
  return undefined;
}

function includes(modes: readonly string[], mode: string): boolean {
  return modes.includes(mode);
}

const fields = z.strictObject({
  domain: z
    .string()
    .regex(DOMAIN, "use 1 to 64 of a-z, 0-9, . _ -, beginning with a letter or a digit")
    .describe("tokens of different domains cannot be joined, even with the same key"),
  keys: z.strictObject({
    provider: z.literal("file").default("file").describe("where the root keys come from"),
    directory: z
      .string()
      .min(1)
      .describe(
        "folder with `token-<key id>.key` files; `vouchsafe keys generate token` makes one",
      ),
    rotate_every: durationMs
      .refine((ms) => ms >= DAY_MS, "must be at least 24h")
      .optional()
      .describe(
        "age at which the agent makes a new key by itself; leave it out where hosts share keys",
      ),
  }),
  attributes: z
    .array(z.string().min(1))
    .default([])
    .describe("attributes whose whole value becomes a token, such as `user.id`"),
  entities: entities.default({}).describe("How the values of an entity are replaced, by its name."),
  cache_size: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(65_536)
    .describe("values whose tokens are remembered, for each entity"),
  vault: vaultSchema
    .optional()
    .describe("Keeps values sealed, so that those who may can reveal a token."),
});

/** What the parts of the configuration ask of each other. */
export const configSchema = fields.superRefine(({ entities, vault }, context) => {
  for (const [name, { mode }] of Object.entries(entities)) {
    if (!includes(VAULT_MODES, mode)) continue;
    const path = ["entities", name, "mode"];
    const issue = (message: string) => context.addIssue({ code: "custom", path, message });
    if (vault === undefined) issue(`${mode} needs a vault`);
    else if (mode === "encrypt" && readersOf(vault, name).length === 0) {
      issue("no role of the vault may reveal it; use `redact` of pii_detect to drop a value");
    }
  }
});

export type Config = z.infer<typeof configSchema>;
