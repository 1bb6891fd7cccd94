/**
 * The processor: replaces what a detector found, and the attributes that the user names, by tokens.
 *
 * Invariant: a record that leaves has no findings. One that cannot be treated is withheld.
 */
import type { Attributes as Labels } from "@opentelemetry/api";
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import { describeError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import { formatComponentId } from "../../src/component/settings.ts";
import type { AnyValue } from "../../src/data/any_value.ts";
import { Double, setOwn } from "../../src/data/any_value.ts";
import type { Finding } from "../../src/data/finding.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { mapRecords } from "../../src/data/log_batch.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import { tokenEndAt } from "../../src/data/token.ts";
import type { Config } from "./config.ts";
import type { MakeToken } from "./replace_findings.ts";
import { replaceFindings } from "./replace_findings.ts";
import { createdMs, generateTokenKey, readTokenKeys } from "./token_keys.ts";
import { Tokenizer } from "./tokenizer.ts";
import { hasVault, VaultTokens } from "./vault/vault_tokens.ts";

const WARNING_INTERVAL_MS = 60_000;
/** How soon a key that was put into the folder is used. */
const KEY_CHECK_MS = 10_000;

export class Tokenize implements Processor {
  readonly #config: Config;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #withheld;
  readonly #labels: Labels;
  /** Attribute names with the entity that their tokens show: `user.id` is `user_id`. */
  readonly #wholeAttributes: ReadonlyMap<string, string>;
  readonly #named: readonly { readonly name: string; readonly entity: string }[];
  readonly #vault: VaultTokens | undefined;
  #tokenizer: Tokenizer | undefined;
  /** Of the batch under way. */
  #makeToken: MakeToken = () => "";
  #activeKid: string | undefined;
  #cancelCheck: CancelTimer = () => {};
  #checking: Promise<void> = Promise.resolve();
  #keysProblem: string | undefined;
  #stopped = false;
  #failures = 0;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(config: Config, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
    this.#wholeAttributes = new Map(config.attributes.map((name) => [name, entityOf(name)]));
    this.#named = [...this.#wholeAttributes].map(([name, entity]) => ({ name, entity }));
    this.#labels = {
      processor: formatComponentId(settings.id),
      ...(settings.pipeline !== undefined && { pipeline: settings.pipeline }),
    };
    this.#vault = hasVault(config) ? new VaultTokens(config, settings, next) : undefined;
    this.#withheld = settings.meter.createCounter("vouchsafe_tokenize_withheld_records", {
      description: "Records that were withheld because their findings could not be tokenized.",
    });
  }

  /** Throws `tokenize.no_key`, `tokenize.key_malformed`, `storage.insecure` or a `vault` error. */
  async start(): Promise<void> {
    await this.#useKeys();
    await this.#vault?.start();
    this.#scheduleCheck();
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopped = true;
    this.#cancelCheck();
    await this.#checking;
    await this.#vault?.shutdown(deadline);
  }

  /** Takes the newest key, and makes one when that is too old. Between batches only. */
  async #useKeys(): Promise<void> {
    const { directory, rotate_every: rotateEveryMs } = this.#config.keys;
    const { clock, random, logger } = this.#settings;
    let { active, retired } = await readTokenKeys(directory);
    const made = createdMs(active.kid);
    if (rotateEveryMs !== undefined && made !== undefined) {
      if (clock.nowMs() - made >= rotateEveryMs) {
        await generateTokenKey(directory, { random, nowMs: clock.nowMs() });
        ({ active, retired } = await readTokenKeys(directory));
      }
    }
    if (active.kid === this.#activeKid) return;
    this.#activeKid = active.kid;
    const { domain, cache_size: cacheSize, entities } = this.#config;
    this.#tokenizer = new Tokenizer(active, { domain, cacheSize, entities });
    logger.info("token keys are loaded", { active: active.kid, retired: retired.length });
  }

  #scheduleCheck(): void {
    if (this.#stopped) return;
    this.#cancelCheck = this.#settings.clock.setTimer(KEY_CHECK_MS, () => {
      this.#checking = this.#checkKeys().finally(() => this.#scheduleCheck());
    });
  }

  /** Keys that cannot be read change nothing: tokens go on as before, and it is told once. */
  async #checkKeys(): Promise<void> {
    const { logger, reportStatus } = this.#settings;
    try {
      await this.#useKeys();
      if (this.#keysProblem !== undefined) reportStatus("ok");
      this.#keysProblem = undefined;
    } catch (error) {
      const reason = describeError(error);
      if (reason === this.#keysProblem) return;
      this.#keysProblem = reason;
      logger.warn("the token keys cannot be read; tokens go on with those read before", { reason });
      reportStatus("degraded", reason);
    }
  }

  /** Not `async`: what waits for the next component must not keep this one's records alive. */
  consumeLogs(batch: LogBatch): Promise<void> {
    const tokenizer = this.#tokenizer!;
    if (this.#vault !== undefined) return this.#consumeWithVault(batch, tokenizer, this.#vault);
    this.#makeToken = tokenizer.token;
    const tokenized = mapRecords(batch, this.#tokenizeRecord);
    this.#countFailures();
    if (tokenized.records.length === 0) return Promise.resolve();
    return this.#next.consumeLogs(tokenized);
  }

  async #consumeWithVault(
    batch: LogBatch,
    tokenizer: Tokenizer,
    vault: VaultTokens,
  ): Promise<void> {
    await vault.consume({
      keyId: tokenizer.keyId,
      keyedToken: tokenizer.token,
      treat: (tokens) => {
        this.#makeToken = tokens.token;
        const tokenized = mapRecords(batch, (record) => {
          tokens.subject = vault.subjectOf(record);
          return this.#tokenizeRecord(record);
        });
        // What only waits is treated again, and fails then if it has to.
        if (tokens.isWaiting) this.#failures = 0;
        else this.#countFailures();
        return tokenized;
      },
    });
  }

  #countFailures(): void {
    if (this.#failures > 0) this.#withheld.add(this.#failures, this.#labels);
    this.#failures = 0;
  }

  readonly #tokenizeRecord = (record: LogRecord): LogRecord | undefined => {
    try {
      return this.#tokenizeOrThrow(record);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  };

  #tokenizeOrThrow(record: LogRecord): LogRecord {
    let body = record.body;
    let attributes = record.attributes;
    if (record.findings !== undefined) {
      const findings = this.#wholeAttributes.size === 0 ? record.findings : this.#inParts(record);
      ({ body, attributes } = replaceFindings(record, findings, this.#makeToken));
    }
    for (const { name, entity } of this.#named) {
      if (!Object.hasOwn(attributes, name)) continue;
      const value = attributes[name];
      const token = this.#wholeToken(entity, value);
      if (token === value) continue;
      if (attributes === record.attributes) attributes = { ...attributes };
      setOwn(attributes, name, token);
    }
    const isSame = attributes === record.attributes && record.findings === undefined;
    return isSame ? record : record.with(body, attributes);
  }

  /**
   * The findings without those that cover a part of an attribute which becomes a token as a whole.
   * A finding that covers all of it stays, so that an address has one token in all places.
   */
  #inParts(record: LogRecord): readonly Finding[] {
    return record.findings!.filter((finding) => {
      const name = finding.path[0];
      if (finding.root !== "attributes" || finding.path.length !== 1) return true;
      if (typeof name !== "string" || !this.#wholeAttributes.has(name)) return true;
      const value = record.attributes[name];
      return typeof value === "string" && finding.start === 0 && finding.end === value.length;
    });
  }

  #wholeToken(entity: string, value: AnyValue): AnyValue {
    if (typeof value === "string") return this.#textToken(entity, value);
    if (typeof value === "number" || typeof value === "bigint" || value instanceof Double) {
      return this.#textToken(entity, String(value));
    }
    if (Array.isArray(value)) return value.map((element) => this.#wholeToken(entity, element));
    if (value === null || value === undefined || typeof value === "boolean") return value;
    throw new Error("an attribute to be tokenized is neither text nor a number");
  }

  /** Nothing stands for nobody: `-` is how access logs write it. Tokens are left alone. */
  #textToken(entity: string, text: string): string {
    if (text === "" || text === "-" || tokenEndAt(text, 0) === text.length) return text;
    return this.#makeToken(entity, text);
  }

  #fail(error: unknown): void {
    this.#failures++;
    const nowMs = this.#settings.clock.nowMs();
    if (nowMs - this.#warnedAtMs < WARNING_INTERVAL_MS) return;
    this.#warnedAtMs = nowMs;
    this.#settings.logger.warn("a record could not be tokenized and was withheld", {
      error: describeError(error),
    });
  }
}

/** The name of an attribute in the letters of an entity's name. */
function entityOf(attribute: string): string {
  const name = attribute
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "");
  return name.slice(0, 48) || "attribute";
}
