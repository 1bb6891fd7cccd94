/**
 * Treats batches where a vault is configured. Their rows are written together while they wait for
 * each other, and they leave in the order in which they came.
 *
 * Invariant: a batch is acknowledged when the vault has what was promised for it on disk. One that
 * cannot be treated to its end is rejected and stays with its receiver.
 */
import type { LogsConsumer } from "../../../src/component/component.ts";
import type { CancelTimer, Settings } from "../../../src/component/settings.ts";
import type { LogBatch } from "../../../src/data/log_batch.ts";
import type { LogRecord } from "../../../src/data/log_record.ts";
import { handled } from "../../../src/lib/handled.ts";
import type { Config } from "../config.ts";
import type { BatchTokensOptions } from "./batch_tokens.ts";
import { BatchTokens } from "./batch_tokens.ts";
import { Escrow } from "./escrow.ts";
import { indexKeyFileOf, openOwnVault, vaultOf } from "./open_vault.ts";
import { PersonIndex } from "./person_index.ts";
import type { Vault } from "./vault.ts";
import { readersOf } from "./vault_config.ts";
import { VaultInstruments } from "./vault_instruments.ts";

/** How soon an erasure by a command is noticed where nothing is written. */
const TIDY_MS = 10_000;
const PURGED_ROWS_MAX = 1000;

export type ConfigWithVault = BatchTokensOptions["config"];

export function hasVault(config: Config): config is ConfigWithVault {
  return config.vault !== undefined;
}

export interface Treatment {
  readonly keyId: string;
  readonly keyedToken: (entity: string, value: string) => string;
  /** Treats all records with these tokens; may be called more than once for a batch. */
  readonly treat: (tokens: BatchTokens) => LogBatch;
}

export class VaultTokens {
  readonly #config: ConfigWithVault;
  readonly #settings: Settings;
  readonly #next: LogsConsumer;
  readonly #readers = new Map<string, readonly string[]>();
  #vault: Vault | undefined;
  #index: PersonIndex | undefined;
  #escrow: Escrow | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #cancelTidy: CancelTimer = () => {};
  #tidying: Promise<void> = Promise.resolve();
  #hasStopped = false;

  constructor(config: ConfigWithVault, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#next = next;
  }

  /** Throws what `openOwnVault` throws; a vault that cannot be reached yet is waited for. */
  async start(): Promise<void> {
    const { vault: config } = this.#config;
    const { random, id, pipeline } = this.#settings;
    const shared = await this.#settings.sharedStateDirectory();
    const directory = await this.#settings.stateDirectory();
    const index = await PersonIndex.open(indexKeyFileOf(config, shared), random);
    const vault = await vaultOf(config, shared, this.#settings.clock);
    this.#index = index;
    this.#vault = vault;
    const processor = id.name === "" ? id.type : `${id.type}/${id.name}`;
    this.#escrow = new Escrow({
      vault,
      open: () => openOwnVault(vault, { indexKeyName: index.keyName, directory, random }),
      config,
      settings: this.#settings,
      instruments: new VaultInstruments(this.#settings, {
        processor,
        ...(pipeline !== undefined && { pipeline }),
      }),
    });
    await this.#escrow.start();
    this.#scheduleTidy();
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#hasStopped = true;
    this.#cancelTidy();
    await this.#escrow?.shutdown(deadline);
    await this.#tidying;
    await this.#vault?.close();
  }

  /** The person that a record is of, from its attributes or those of its resource. */
  subjectOf(record: LogRecord): string | undefined {
    const attribute = this.#config.vault.subject?.attribute;
    if (attribute === undefined) return undefined;
    const own = Object.hasOwn(record.attributes, attribute);
    const value = (own ? record.attributes : record.resource.attributes)[attribute];
    if (typeof value === "string") return value === "" || value === "-" ? undefined : value;
    return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
  }

  /** Hands on in the order of the calls. One that is rejected takes those behind it along. */
  async consume(treatment: Treatment): Promise<void> {
    const handedOn = this.#handOn(treatment, this.#turn);
    this.#turn = handedOn;
    try {
      const { tokens, delivered } = await handedOn;
      await Promise.all([delivered, tokens.alongside()]);
    } catch (error) {
      if (this.#turn === handedOn) this.#turn = Promise.resolve();
      throw error;
    }
  }

  /** `delivered` is in an object, or its wait would be part of this one. */
  async #handOn(treatment: Treatment, before: Promise<unknown>) {
    const [{ batch, tokens }] = await Promise.all([this.#treat(treatment), before]);
    const isEmpty = batch.records.length === 0;
    return { tokens, delivered: isEmpty ? undefined : handled(this.#next.consumeLogs(batch)) };
  }

  async #treat({ keyId, keyedToken, treat }: Treatment) {
    const escrow = this.#escrow!;
    await escrow.room();
    for (;;) {
      const tokens = new BatchTokens({
        config: this.#config,
        settings: this.#settings,
        index: this.#index!,
        escrow,
        readersOf: this.#readersOf,
        keyedToken,
        keyId,
      });
      let batch = treat(tokens);
      let isCurrent = true;
      while (isCurrent && tokens.isWaiting) {
        isCurrent = await tokens.settle();
        if (isCurrent) batch = treat(tokens);
      }
      if (isCurrent) return { batch, tokens };
    }
  }

  readonly #readersOf = (entity: string): readonly string[] => {
    let readers = this.#readers.get(entity);
    if (readers === undefined) {
      readers = readersOf(this.#config.vault, entity);
      this.#readers.set(entity, readers);
    }
    return readers;
  };

  #scheduleTidy(): void {
    if (this.#hasStopped) return;
    this.#cancelTidy = this.#settings.clock.setTimer(TIDY_MS, () => {
      this.#tidying = this.#escrow!.tidy(PURGED_ROWS_MAX).finally(() => this.#scheduleTidy());
    });
  }
}
