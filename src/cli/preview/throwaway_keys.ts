/** Keys for a preview where the real ones are elsewhere: made in its own folder, gone with it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config as TokenizeConfig } from "../../../processors/tokenize/config.ts";
import { generateTokenKey } from "../../../processors/tokenize/token_keys.ts";
import type { Clock, RandomSource } from "../../component/settings.ts";

const HASH_KEY_BYTES = 32;

export class ThrowawayKeys {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  #hashKeyFile: string | undefined;
  #hasTokenKey = false;

  constructor(directory: string, clock: Clock, random: RandomSource) {
    this.#directory = directory;
    this.#clock = clock;
    this.#random = random;
  }

  /** The configuration of a processor, its keys replaced. */
  async in(config: unknown): Promise<unknown> {
    const given = config as Readonly<Record<string, unknown>>;
    const hashKeyFile = typeof given.hash_key_file === "string" && (await this.#hashKey());
    const keys = isTokenizeConfig(given) && {
      ...given.keys,
      directory: await this.#tokenKeys(),
    };
    return { ...given, ...(hashKeyFile && { hash_key_file: hashKeyFile }), ...(keys && { keys }) };
  }

  async #hashKey(): Promise<string> {
    if (this.#hashKeyFile !== undefined) return this.#hashKeyFile;
    const path = join(this.#directory, "hash.key");
    const key = new Uint8Array(HASH_KEY_BYTES);
    this.#random(key);
    await writeFile(path, key, { mode: 0o600 });
    this.#hashKeyFile = path;
    return path;
  }

  async #tokenKeys(): Promise<string> {
    const directory = join(this.#directory, "token-keys");
    if (!this.#hasTokenKey) {
      await generateTokenKey(directory, { random: this.#random, nowMs: this.#clock.nowMs() });
    }
    this.#hasTokenKey = true;
    return directory;
  }
}

function isTokenizeConfig(config: object): config is TokenizeConfig {
  const { keys } = config as { keys?: { directory?: unknown } };
  return typeof keys?.directory === "string";
}
