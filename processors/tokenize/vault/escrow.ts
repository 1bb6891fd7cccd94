/**
 * Between the records and the vault: knows what is kept, writes what is not, and waits with it while
 * the vault cannot be had.
 *
 * Invariant: what {@link Escrow.keep} promised is on the vault's disk. One write is under way at a
 * time; what is wanted meanwhile goes into the next, so many batches share one. After an erasure
 * nothing that was remembered before it is used, and no field key from before it is written.
 */
import { AgentError, describeError, isPermanent } from "../../../src/component/errors.ts";
import type { Settings } from "../../../src/component/settings.ts";
import { RecentMap } from "../recent_map.ts";
import type { FieldKey } from "./field_key.ts";
import type { RowName } from "./sealing.ts";
import { Sealing } from "./sealing.ts";
import type { PutResult, Vault, VaultRow, VaultState } from "./vault.ts";
import type { VaultConfig } from "./vault_config.ts";
import type { VaultInstruments } from "./vault_instruments.ts";

const ROWS_PER_WRITE_MAX = 1000;
const RETRY_MS = 1000;
/** A row is lengthened when this part of its time is over. */
const REFRESH_PART = 16;

/** What is to be kept, before it is sealed. */
export interface Entry extends RowName {
  readonly content: Uint8Array;
  /** None: nobody will be able to open it. */
  readonly recipients: readonly string[];
  readonly uniqueIndex: Uint8Array | undefined;
  readonly owners: readonly Uint8Array[];
  /** Of an entry of kind `key`. */
  readonly fieldKey: FieldKey | undefined;
}

export interface Kept {
  /** The one that holds; of a random token perhaps another than was proposed. */
  readonly token: string;
  readonly fieldKey: FieldKey | undefined;
  readonly refreshAtMs: number;
}

interface Wanted {
  readonly entry: Entry;
  readonly done: PromiseWithResolvers<Kept>;
}

export interface EscrowOptions {
  readonly vault: Vault;
  /** Opens it, again and again until it can be had. */
  readonly open: () => Promise<VaultState>;
  readonly config: VaultConfig;
  readonly settings: Settings;
  readonly instruments: VaultInstruments;
}

export class Escrow {
  readonly #options: EscrowOptions;
  readonly #wanted = new Map<string, Wanted>();
  readonly #ended = new AbortController();
  readonly #stop = aborted(this.#ended.signal);
  #kept: RecentMap<string, Kept>;
  /** Undefined until the vault was opened. */
  #erasures: number | undefined;
  #loop: Promise<void> | undefined;
  #downUntilMs = Number.NEGATIVE_INFINITY;
  #problem: string | undefined;
  #room = Promise.withResolvers<void>();

  constructor(options: EscrowOptions) {
    this.#options = options;
    this.#kept = new RecentMap(options.config.cache_size);
    options.instruments.observeWaiting(() => this.#wanted.size);
  }

  /** Rejects when the vault is a wrong one. One that cannot be had yet is waited for. */
  async start(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      if (isPermanent(error) || !(error instanceof AgentError)) throw error;
      if (error.code !== "vault.unavailable") throw error;
      this.#failed(error);
    }
  }

  /** What is kept already, unless its row is to be lengthened or its key given up. */
  get(cacheKey: string): Kept | undefined {
    const kept = this.#kept.get(cacheKey);
    if (kept === undefined || kept.fieldKey?.isUsedUp === true) return undefined;
    return this.#options.settings.clock.nowMs() < kept.refreshAtMs ? kept : undefined;
  }

  /**
   * Resolves when the entry is kept. Rejects with `vault.unavailable` when records are withheld
   * rather than waiting, with `vault.erased` for a field key that an erasure overtook, and with
   * `pipeline.shutting_down`.
   */
  keep(cacheKey: string, prepare: () => Entry): Promise<Kept> {
    const wanted = this.#wanted.get(cacheKey);
    if (wanted !== undefined) return wanted.done.promise;
    const { config, settings } = this.#options;
    const isDown = settings.clock.nowMs() < this.#downUntilMs;
    if (this.#ended.signal.aborted) return Promise.reject(shuttingDown());
    if (config.on_unavailable === "withhold" && isDown) return Promise.reject(unavailable());
    const done = Promise.withResolvers<Kept>();
    // Whoever asked may be gone when it fails.
    done.promise.catch(() => {});
    this.#wanted.set(cacheKey, { entry: prepare(), done });
    this.#loop ??= this.#write();
    return done.promise;
  }

  /** Resolves when there is room for more; rejects when the agent stops. */
  async room(): Promise<void> {
    const { queue_size: sizeMax } = this.#options.config;
    while (this.#wanted.size >= sizeMax && !this.#ended.signal.aborted) await this.#room.promise;
    if (this.#ended.signal.aborted) throw shuttingDown();
  }

  /** Looks whether somebody was erased, and removes `limit` rows at most whose time is over. */
  async tidy(limit: number): Promise<void> {
    const { vault, settings, instruments } = this.#options;
    if (this.#erasures === undefined) return;
    try {
      this.#sawErasures(await vault.erasures());
      instruments.purged(await vault.purge(settings.clock.nowMs(), limit));
      this.#worked();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Writes what waits, as long as `deadline` lets it; what is left is rejected. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    await Promise.race([this.#loop, aborted(deadline)]);
    this.#ended.abort();
    this.#rejectAll(shuttingDown());
  }

  async #write(): Promise<void> {
    // What is wanted by the same batch comes along.
    await Promise.resolve();
    const { config } = this.#options;
    const { signal } = this.#ended;
    while (this.#wanted.size > 0 && !signal.aborted) {
      const group = [...this.#wanted].slice(0, ROWS_PER_WRITE_MAX);
      try {
        this.#settle(group, await this.#put(group.map(([, { entry }]) => entry)));
        this.#worked();
      } catch (error) {
        this.#failed(error);
        if (config.on_unavailable === "withhold") this.#rejectAll(unavailable());
        else await this.#pause();
      }
    }
    // In the same turn as the last look, so that nothing is wanted in between.
    this.#loop = undefined;
  }

  async #put(entries: readonly Entry[]): Promise<PutResult> {
    const { config, settings, vault, instruments } = this.#options;
    const erasures = this.#erasures ?? (await this.#open());
    const sealing = new Sealing(settings.random);
    const createdMs = settings.clock.nowMs();
    const expiresMs = createdMs + config.ttl;
    const rows = entries.map((entry): VaultRow => {
      const { kind, domain, entity, keyId, token, uniqueIndex, owners, recipients } = entry;
      const name = { kind, domain, entity, keyId, token };
      const sealed =
        recipients.length === 0 ? new Uint8Array() : sealing.seal(name, entry.content, recipients);
      return { ...name, uniqueIndex, owners, sealed, createdMs, expiresMs };
    });
    const result = await vault.put(rows, erasures);
    if (result.kind === "kept") instruments.wrote(rows.length);
    return result;
  }

  #settle(group: readonly (readonly [string, Wanted])[], result: PutResult): void {
    if (result.kind === "missed_erasure") {
      this.#sawErasures(result.erasures);
      return;
    }
    const { config, settings } = this.#options;
    const refreshAtMs = settings.clock.nowMs() + config.ttl / REFRESH_PART;
    for (const [index, [cacheKey, { entry, done }]] of group.entries()) {
      const kept = { token: result.tokens[index]!, fieldKey: entry.fieldKey, refreshAtMs };
      this.#kept.set(cacheKey, kept);
      this.#wanted.delete(cacheKey);
      done.resolve(kept);
    }
    this.#makeRoom();
  }

  /** Values that wait are new and stay; a field key may be the one that was to be destroyed. */
  #sawErasures(erasures: number): void {
    if (erasures === this.#erasures) return;
    this.#erasures = erasures;
    this.#kept = new RecentMap(this.#options.config.cache_size);
    for (const [cacheKey, { entry, done }] of this.#wanted) {
      if (entry.kind !== "key") continue;
      this.#wanted.delete(cacheKey);
      done.reject(new AgentError("vault.erased", "somebody was erased; a new key is needed"));
    }
    this.#makeRoom();
  }

  async #open(): Promise<number> {
    const { erasures } = await this.#options.open();
    this.#sawErasures(erasures);
    return erasures;
  }

  #worked(): void {
    if (this.#problem === undefined) return;
    const { logger, reportStatus } = this.#options.settings;
    this.#problem = undefined;
    this.#downUntilMs = Number.NEGATIVE_INFINITY;
    logger.info("the vault can be written again");
    reportStatus("ok");
  }

  #failed(error: unknown): void {
    const { settings, config, instruments } = this.#options;
    instruments.failed();
    this.#downUntilMs = settings.clock.nowMs() + RETRY_MS;
    const reason = describeError(error);
    if (reason === this.#problem) return;
    this.#problem = reason;
    const outcome = config.on_unavailable === "wait" ? "wait" : "are withheld";
    settings.logger.warn(`the vault cannot be written; records ${outcome}`, { reason });
    settings.reportStatus("degraded", reason);
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.settings.clock.setTimer(RETRY_MS, resolve);
    await Promise.race([promise, this.#stop]);
    cancel();
  }

  #rejectAll(error: AgentError): void {
    for (const { done } of this.#wanted.values()) done.reject(error);
    this.#wanted.clear();
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers<void>();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

function unavailable(): AgentError {
  return new AgentError("vault.unavailable", "the vault cannot be written");
}

function shuttingDown(): AgentError {
  return new AgentError("pipeline.shutting_down", "the vault has not taken these rows yet");
}
