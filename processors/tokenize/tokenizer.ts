/**
 * Gives tokens, and remembers those of recent values.
 *
 * Invariant: a value of an entity has one token, for as long as the key is the same.
 */
import { detachedCopy } from "../../src/lib/detached_copy.ts";
import type { EntitySettings } from "./config.ts";
import type { MakeToken } from "./entity_tokens.ts";
import { tokenMaker } from "./entity_tokens.ts";
import { RecentMap } from "./recent_map.ts";
import type { TokenKey } from "./token_keys.ts";

export interface TokenizerOptions {
  readonly domain: string;
  /** Values that are remembered, for each entity. */
  readonly cacheSize: number;
  /** By entity; one that is not named has the default. */
  readonly entities?: Readonly<Record<string, EntitySettings>>;
}

interface EntityTokens {
  readonly make: MakeToken;
  readonly known: RecentMap<string, string>;
  lastValue: string;
  lastToken: string;
}

export class Tokenizer {
  readonly #key: TokenKey;
  readonly #options: TokenizerOptions;
  readonly #entities = new Map<string, EntityTokens>();

  constructor(key: TokenKey, options: TokenizerOptions) {
    this.#key = key;
    this.#options = options;
  }

  /** Names the key; part of its tokens. */
  get keyId(): string {
    return this.#key.kid;
  }

  /** What stands in the place of a found value. */
  readonly token = (entity: string, value: string): string => {
    const tokens = this.#entities.get(entity) ?? this.#begin(entity);
    // A record often says the same twice, in its body and in an attribute.
    if (value === tokens.lastValue && value !== "") return tokens.lastToken;
    let token = tokens.known.get(value);
    if (token === undefined) {
      token = tokens.make(value);
      tokens.known.set(detachedCopy(value), token);
    }
    tokens.lastValue = value;
    tokens.lastToken = token;
    return token;
  };

  #begin(entity: string): EntityTokens {
    const { domain, cacheSize, entities = {} } = this.#options;
    const settings = Object.hasOwn(entities, entity) ? entities[entity] : undefined;
    const tokens = {
      make: tokenMaker({ key: this.#key, domain, entity }, settings),
      known: new RecentMap<string, string>(cacheSize),
      lastValue: "",
      lastToken: "",
    };
    this.#entities.set(entity, tokens);
    return tokens;
  }
}
