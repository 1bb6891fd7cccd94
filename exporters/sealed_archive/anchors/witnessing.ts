/** Asks the configured witnesses while an archive is open, and tells what they say. */
import type { Counter } from "@opentelemetry/api";
import { describeError } from "../../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../../src/component/settings.ts";
import type { SealedArchiveConfig } from "../config.ts";
import { parseCosigner } from "../format/cosignature.ts";
import { LogFiles } from "../reader/log_files.ts";
import type { WitnessOutcome } from "./witness_client.ts";
import { WitnessClient } from "./witness_client.ts";

/** A witness that has not answered until then is asked again in the next round. */
const ANSWER_MS_MAX = 10_000;

/** Called after each round: what a witness saw that this archive is not, or undefined. */
type OnRound = (contradiction: string | undefined) => void;

export class Witnessing {
  readonly #config: SealedArchiveConfig;
  readonly #settings: Settings;
  readonly #onRound: OnRound;
  readonly #files: LogFiles;
  readonly #outcomes: Counter;
  /** What was logged of each witness, so that it is said once. */
  readonly #said = new Map<string, string>();
  #client: WitnessClient | undefined;
  #cancel: CancelTimer | undefined;
  #round: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(config: SealedArchiveConfig, settings: Settings, onRound: OnRound) {
    this.#config = config;
    this.#settings = settings;
    this.#onRound = onRound;
    this.#files = new LogFiles(config.directory);
    this.#outcomes = settings.meter.createCounter("vouchsafe.sealed_archive.witness_answers", {
      description: "What witnesses did with a checkpoint, by `status`.",
    });
  }

  /** Undefined when no witness is configured. */
  static start(
    config: SealedArchiveConfig,
    settings: Settings,
    onRound: OnRound,
  ): Witnessing | undefined {
    if (config.witnesses.length === 0) return undefined;
    const witnessing = new Witnessing(config, settings, onRound);
    witnessing.#schedule();
    return witnessing;
  }

  /** Resolves when no round is under way; one that waits for an answer is not waited out. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    this.#client?.abort();
    await this.#round;
  }

  #schedule(): void {
    this.#cancel = this.#settings.clock.setTimer(this.#config.witness_interval, () => {
      this.#round = this.#ask().then(() => {
        if (!this.#stopped) this.#schedule();
      });
    });
  }

  async #ask(): Promise<void> {
    try {
      this.#client ??= await this.#openClient();
      if (this.#stopped) return;
      const outcomes = await this.#client.round();
      if (!this.#stopped) this.#tell(outcomes);
    } catch (error) {
      // Before the first checkpoint there is nothing to ask for.
      this.#settings.logger.debug("no witness was asked", { reason: describeError(error) });
    }
  }

  async #openClient(): Promise<WitnessClient> {
    const witnesses = this.#config.witnesses.map(({ url, vkey }) => {
      return { url, verifier: parseCosigner(vkey) };
    });
    const log = await this.#files.readVerifier();
    const { clock } = this.#settings;
    return new WitnessClient({
      files: this.#files,
      log,
      witnesses,
      timeoutMs: ANSWER_MS_MAX,
      clock,
    });
  }

  #tell(outcomes: ReadonlyMap<string, WitnessOutcome>): void {
    const { logger } = this.#settings;
    let contradiction: string | undefined;
    for (const [witness, outcome] of outcomes) {
      this.#outcomes.add(1, { status: outcome.status });
      const reason = outcome.status === "cosigned" ? "" : outcome.reason;
      const isNew = (this.#said.get(witness) ?? "") !== reason;
      this.#said.set(witness, reason);
      if (outcome.status === "contradicted") {
        contradiction ??= `the witness ${witness} contradicts this archive: ${reason}`;
        if (isNew) logger.error("a witness contradicts this archive", { witness, reason });
      } else if (isNew && reason !== "") {
        logger.warn("a witness did not cosign; it is asked again", { witness, reason });
      } else if (isNew) logger.info("the witness cosigns again", { witness });
    }
    this.#onRound(contradiction);
  }
}
