/**
 * Loads the configuration again and hands it to the agent, one wish after another.
 *
 * Invariant: a configuration with a mistake changes nothing; the agent goes on with the one it has.
 */
import type { CheckedConfig } from "../../config/load.ts";
import type { RunningAgent } from "../agent.ts";

export interface ReloaderOptions {
  readonly agent: RunningAgent;
  /** Undefined: there is a mistake, which was shown. */
  load(): Promise<CheckedConfig | undefined>;
  /** How long the old pipelines may take to deliver what is under way. */
  deadline(): AbortSignal;
}

export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #broken = Promise.withResolvers<never>();
  #work: Promise<void> | undefined;
  #wanted = false;
  #closed = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#broken.promise.catch(() => {});
  }

  /** Rejects when the agent could neither take the new configuration nor go on with the old one. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** While one is under way, all further wishes are one. */
  request(): void {
    if (this.#closed) return;
    this.#wanted = true;
    this.#work ??= this.#run();
  }

  /** Waits for what is under way; later wishes are not heard. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wanted = false;
    await this.#work;
  }

  async #run(): Promise<void> {
    try {
      while (this.#wanted) {
        this.#wanted = false;
        const config = await this.#options.load();
        if (config !== undefined) {
          await this.#options.agent.reload(config, this.#options.deadline());
        }
      }
    } catch (error) {
      this.#broken.reject(error);
    }
    this.#work = undefined;
  }
}
