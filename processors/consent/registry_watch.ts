/**
 * Keeps the registry in memory equal to its file.
 *
 * Invariant: fails closed. From the moment at which the file is seen to be gone, unreadable or
 * wrong there is no registry, until it is right again: nobody is judged by an old one.
 */
import { describeError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import type { RegistryConfig } from "./config.ts";
import { RegistryFault } from "./entry_fields.ts";
import type { Registry } from "./registry.ts";
import { readRegistry, versionOf } from "./registry_file.ts";

export class RegistryWatch {
  readonly #config: RegistryConfig;
  readonly #settings: Settings;
  readonly #onChange: (registry: Registry) => void;
  #registry: Registry | undefined;
  #version = "";
  /** Why there is no registry. */
  #fault = "was not read yet";
  #cancel: CancelTimer = () => {};
  #stopped = false;

  constructor(config: RegistryConfig, settings: Settings, onChange: (registry: Registry) => void) {
    this.#config = config;
    this.#settings = settings;
    this.#onChange = onChange;
  }

  /** Undefined while the file cannot be read. */
  get registry(): Registry | undefined {
    return this.#registry;
  }

  /** Without content: `consents.csv line 7 has no subject`. */
  get fault(): string {
    return `${this.#config.path} ${this.#fault}`;
  }

  /** Reads the file and goes on looking at it. Never rejects: see {@link registry}. */
  async start(): Promise<void> {
    await this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #look(): Promise<void> {
    try {
      const version = await versionOf(this.#config);
      if (version !== this.#version) {
        const registry = await readRegistry(this.#config);
        // A file that is being written is read again, and not believed before it rests.
        if ((await versionOf(this.#config)) === version) this.#accept(registry, version);
      }
    } catch (error) {
      this.#fail(error);
    }
    if (this.#stopped) return;
    const again = (): void => void this.#look();
    this.#cancel = this.#settings.clock.setTimer(this.#config.reload_interval, again);
  }

  #accept(registry: Registry, version: string): void {
    if (this.#stopped) return;
    this.#registry = registry;
    this.#version = version;
    this.#fault = "";
    this.#settings.reportStatus("ok");
    this.#settings.logger.info("the consent registry was read", { entries: registry.size });
    this.#onChange(registry);
  }

  #fail(error: unknown): void {
    const fault = error instanceof RegistryFault ? error.message : `(${describeError(error)})`;
    const isNews = this.#registry !== undefined || fault !== this.#fault;
    this.#registry = undefined;
    this.#version = "";
    this.#fault = fault;
    if (!isNews || this.#stopped) return;
    const reason = `${this.fault}: no record passes until it can be read`;
    this.#settings.reportStatus("degraded", reason);
    this.#settings.logger.error("the consent registry cannot be read; records wait", {
      fault: this.fault,
    });
  }
}
