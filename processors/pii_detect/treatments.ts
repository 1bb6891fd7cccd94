/** What is done with a finding: the text that stands there afterwards. */
import { createHash, createHmac, type KeyObject } from "node:crypto";
import type { RandomSource } from "../../src/component/settings.ts";
import { formatSealedValue, formatToken } from "../../src/data/token.ts";
import { encryptAgeFile, parseAgeRecipient } from "../../src/lib/age/age_file.ts";
import type { TreatmentConfig } from "./config.ts";
import type { Entity } from "./entities/entity.ts";
import { compileGeneralize } from "./generalize.ts";

export type Action = Exclude<TreatmentConfig["action"], "keep">;
export const ACTIONS = [
  "redact",
  "mask",
  "hash",
  "encrypt",
  "generalize",
  "tokenize",
  "drop_field",
  "drop_record",
] as const satisfies readonly Action[];

export interface Treatment {
  readonly entity: string;
  readonly action: Action;
  /** What replaces a found value in its text. Not used by the actions that replace nothing. */
  readonly replace: (value: string) => string;
}

export interface TreatmentOptions {
  /** True when a `tokenize` processor stands behind. */
  readonly canTokenize: boolean;
  readonly hashKey: KeyObject | undefined;
  readonly random: RandomSource;
}

/** What is done with an entity that is looked for. */
export function actionOf(
  nature: Entity["nature"],
  config: TreatmentConfig | undefined,
  canTokenize: boolean,
): Action {
  if (config !== undefined && config.action !== "keep") return config.action;
  return nature === "identifying" && canTokenize ? "tokenize" : "redact";
}

/** The treatment of an entity: what the user wrote, or the default of its nature. */
export function compileTreatment(
  name: string,
  nature: Entity["nature"],
  config: TreatmentConfig | undefined,
  options: TreatmentOptions,
): Treatment {
  const redact = (): string => redactionOf(name);
  if (config === undefined || config.action === "keep") {
    return { entity: name, action: actionOf(nature, config, options.canTokenize), replace: redact };
  }
  switch (config.action) {
    case "redact": {
      const text = config.text ?? redactionOf(name);
      return { entity: name, action: "redact", replace: () => text };
    }
    case "mask": {
      const replace = (value: string) => mask(value, config.keep_first, config.keep_last);
      return { entity: name, action: "mask", replace };
    }
    case "hash": {
      const key = config.algorithm === "hmac_sha256" ? options.hashKey : undefined;
      return { entity: name, action: "hash", replace: hashWith(name, config.algorithm, key) };
    }
    case "encrypt": {
      const recipients = config.recipients.map((text) => parseAgeRecipient(text)!);
      const replace = (value: string) =>
        formatSealedValue(name, encryptAgeFile(Buffer.from(value), recipients, options.random));
      return { entity: name, action: "encrypt", replace };
    }
    case "generalize": {
      const generalize = compileGeneralize(config);
      return {
        entity: name,
        action: "generalize",
        replace: (value) => generalize(value) ?? redact(),
      };
    }
    default:
      return { entity: name, action: config.action, replace: redact };
  }
}

export function redactionOf(entity: string): string {
  return `[REDACTED:${entity}]`;
}

/** As many `*` as there are characters between those that stay. Too short to keep any: all `*`. */
function mask(value: string, keepFirst: number, keepLast: number): string {
  const characters = Array.from(value);
  if (keepFirst + keepLast >= characters.length) return "*".repeat(characters.length);
  const first = characters.slice(0, keepFirst).join("");
  const last = keepLast === 0 ? "" : characters.slice(-keepLast).join("");
  return first + "*".repeat(characters.length - keepFirst - keepLast) + last;
}

/** In the form of a token, so that a second detector knows it: `<entity:sha256:hex>`. */
function hashWith(
  name: string,
  algorithm: "hmac_sha256" | "sha256",
  key: KeyObject | undefined,
): (value: string) => string {
  return (value) => {
    const hash = key === undefined ? createHash("sha256") : createHmac("sha256", key);
    return formatToken(name, algorithm.replace("_", ""), hash.update(value).digest("hex"));
  };
}
