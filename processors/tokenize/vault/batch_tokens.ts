/**
 * The replacements of one batch where a vault is configured: which of them the vault has to know
 * before the batch is handed on, and which only before it is acknowledged.
 *
 * A random token is the vault's to give, and a field key that only a crashed agent knew would close
 * its values for ever, so both come first. A keyed token is the same however often it is made, so
 * its row is written while the record is on its way; where records are to be withheld rather than
 * wait, it comes first, too.
 */
import { AgentError } from "../../../src/component/errors.ts";
import type { Settings } from "../../../src/component/settings.ts";
import { formatToken, tokenEndAt } from "../../../src/data/token.ts";
import { handled } from "../../../src/lib/handled.ts";
import type { Config } from "../config.ts";
import { base32 } from "../one_shot_hmac.ts";
import type { Entry, Escrow, Kept } from "./escrow.ts";
import { FieldKey } from "./field_key.ts";
import type { PersonIndex } from "./person_index.ts";
import type { RowKind } from "./vault.ts";
import { FIELD_KEY_ID, RANDOM_KEY_ID } from "./vault.ts";

const RANDOM_TOKEN_BYTES = 16;

export interface BatchTokensOptions {
  readonly config: Config & { readonly vault: NonNullable<Config["vault"]> };
  readonly settings: Settings;
  readonly index: PersonIndex;
  readonly escrow: Escrow;
  /** To whom the rows of an entity are sealed; none: nobody may reveal it. */
  readonly readersOf: (entity: string) => readonly string[];
  /** Makes the tokens that need no vault, with the key `keyId`. */
  readonly keyedToken: (entity: string, value: string) => string;
  readonly keyId: string;
}

export class BatchTokens {
  readonly #options: BatchTokensOptions;
  /** What the vault has to keep before this batch is handed on. */
  readonly #first = new Map<string, Promise<Kept>>();
  readonly #alongside = new Map<string, Promise<Kept>>();
  /** Results of the waits before; the escrow's memory is bounded, so they are held here. */
  readonly #kept = new Map<string, Kept>();
  readonly #failed = new Set<string>();
  /** Of the record under way: the person that it is of. */
  subject: string | undefined;

  constructor(options: BatchTokensOptions) {
    this.#options = options;
  }

  /** True when some replacements are only place holders: {@link settle} and treat again. */
  get isWaiting(): boolean {
    return this.#first.size > 0;
  }

  /** Resolves when all rows of the batch are kept. */
  async alongside(): Promise<void> {
    await Promise.all(this.#alongside.values());
  }

  /** Throws for a value that is to be withheld. */
  readonly token = (entity: string, value: string): string => {
    const { entities } = this.#options.config;
    const mode = Object.hasOwn(entities, entity) ? entities[entity]!.mode : "hmac";
    if (mode === "random") return this.#random(entity, value);
    if (mode === "encrypt") return this.#encrypted(entity, value);
    const replacement = this.#options.keyedToken(entity, value);
    if (mode !== "truncate") this.#keepKeyed(entity, value, replacement);
    return replacement;
  };

  /**
   * Waits for what comes first. False: somebody was erased meanwhile, so that the batch is to be
   * treated from the beginning. Rejects when the agent stops.
   */
  async settle(): Promise<boolean> {
    const wanted = [...this.#first];
    this.#first.clear();
    let isCurrent = true;
    for (const [cacheKey, promise] of wanted) {
      try {
        this.#kept.set(cacheKey, await promise);
      } catch (error) {
        const code = error instanceof AgentError ? error.code : undefined;
        if (code === "vault.erased") isCurrent = false;
        else if (code === "vault.unavailable") this.#failed.add(cacheKey);
        else throw error;
      }
    }
    return isCurrent;
  }

  #random(entity: string, value: string): string {
    const { config, settings, index } = this.#options;
    const kept = this.#keptFirst(this.#cacheKey("random", entity, value), () => {
      const bytes = new Uint8Array(RANDOM_TOKEN_BYTES);
      settings.random(bytes);
      const code = base32(Buffer.from(bytes).toString("latin1"), RANDOM_TOKEN_BYTES);
      const token = formatToken(entity, RANDOM_KEY_ID, code);
      return {
        ...this.#entry({ kind: "value", entity, keyId: RANDOM_KEY_ID, token }, value),
        uniqueIndex: index.value(config.domain, entity, value),
      };
    });
    return kept?.token ?? "";
  }

  /** A person's values of an entity share a key; without a person, each value has its own. */
  #encrypted(entity: string, value: string): string {
    const ofWhom = this.subject === undefined ? value : "";
    const kept = this.#keptFirst(this.#cacheKey("encrypt", entity, ofWhom), () => {
      const fieldKey = FieldKey.generate(this.#options.settings.random);
      const name = { kind: "key", entity, keyId: FIELD_KEY_ID, token: fieldKey.id } as const;
      return { ...this.#entry(name, ofWhom), content: fieldKey.export(), fieldKey };
    });
    return kept?.fieldKey?.encrypt(entity, value) ?? "";
  }

  #keepKeyed(entity: string, value: string, replacement: string): void {
    const { config, escrow, keyId, readersOf } = this.#options;
    if (readersOf(entity).length === 0) return;
    const prepare = (): Entry => {
      // What `keep_domain` and `keep_last` leave behind the token is no part of it.
      const end = tokenEndAt(replacement, 0);
      const token = end < 0 ? replacement : replacement.slice(0, end);
      return this.#entry({ kind: "value", entity, keyId, token }, value);
    };
    const cacheKey = this.#cacheKey(keyId, entity, value);
    if (config.vault.on_unavailable === "withhold") {
      this.#keptFirst(cacheKey, prepare);
    } else if (!this.#alongside.has(cacheKey) && escrow.get(cacheKey) === undefined) {
      this.#alongside.set(cacheKey, handled(escrow.keep(cacheKey, prepare)));
    }
  }

  #keptFirst(cacheKey: string, prepare: () => Entry): Kept | undefined {
    const { escrow } = this.#options;
    const kept = this.#kept.get(cacheKey) ?? escrow.get(cacheKey);
    if (kept !== undefined) return kept;
    if (this.#failed.has(cacheKey)) {
      throw new AgentError("vault.unavailable", "the vault could not keep what it has to");
    }
    if (!this.#first.has(cacheKey))
      this.#first.set(cacheKey, handled(escrow.keep(cacheKey, prepare)));
    return undefined;
  }

  /** The row has to be given to each person that a value is of. */
  #cacheKey(use: string, entity: string, value: string): string {
    return JSON.stringify([use, entity, this.subject ?? null, value]);
  }

  #entry(
    name: { kind: RowKind; entity: string; keyId: string; token: string },
    value: string,
  ): Entry {
    const { config, index, readersOf } = this.#options;
    const { domain } = config;
    const owners = [];
    if (this.subject !== undefined) owners.push(index.subject(domain, this.subject));
    if (value !== "") owners.push(index.value(domain, name.entity, value));
    return {
      ...name,
      domain,
      content: Buffer.from(value, "utf8"),
      recipients: readersOf(name.entity),
      uniqueIndex: undefined,
      owners,
      fieldKey: undefined,
    };
  }
}
