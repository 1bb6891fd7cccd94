/**
 * Indexes by which rows are found without a value in them: HMAC-SHA-256 under a key of the vault.
 *
 *     subject = HMAC-SHA-256(K, "subject|" domain "|" text)
 *     value   = HMAC-SHA-256(K, "value|" domain "|" entity "|" normalised value)
 *
 * Neither a domain nor an entity has a bar in it. The same person has unrelated indexes in two
 * domains.
 *
 * Trust: whoever has the key and a copy of the vault can test whether somebody is in it. Without
 * the key nobody can be erased, so every host that writes to one vault needs the same.
 */
import type { KeyObject } from "node:crypto";
import { createHmac } from "node:crypto";
import type { RandomSource } from "../../../src/component/settings.ts";
import { ownKey } from "../../../src/lib/own_key.ts";
import { normalize } from "../normalize.ts";

const NAME_BYTES = 16;

export class PersonIndex {
  /** A name for the key that tells nothing about it: two hosts compare theirs by it. */
  readonly keyName: string;
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
    this.keyName = this.#mac("name").subarray(0, NAME_BYTES).toString("hex");
  }

  /** Reads the key's file, and makes it when there is none. Throws as `ownKey` does. */
  static async open(path: string, random: RandomSource): Promise<PersonIndex> {
    return new PersonIndex(await ownKey(path, random));
  }

  /** Of the person that the subject attribute names. */
  subject(domain: string, text: string): Buffer {
    return this.#mac(`subject|${domain}|${text}`);
  }

  /** Of a value itself, in whatever spelling. */
  value(domain: string, entity: string, value: string): Buffer {
    return this.#mac(`value|${domain}|${entity}|${normalize(entity, value)}`);
  }

  #mac(text: string): Buffer {
    return createHmac("sha256", this.#key).update(text, "utf8").digest();
  }
}
