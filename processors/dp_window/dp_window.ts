/**
 * The processor: counts records, and on a fixed tick replaces closed windows by noisy rows.
 *
 * Invariants:
 * - `consumeLogs` counts and resolves; no record passes, and no call waits for a release;
 * - when a release is prepared and handed on depends on the clock, the configuration and the
 *   ledger. It is prepared (noise, ledger) at one tick and handed on at a later one, so that the
 *   time it took to draw the noise does not show;
 * - when anything fails, less is released, never something else.
 */
import type { LogsConsumer, Processor } from "../../src/component/component.ts";
import { AgentError, describeError } from "../../src/component/errors.ts";
import type { CancelTimer, Settings } from "../../src/component/settings.ts";
import { formatComponentId } from "../../src/component/settings.ts";
import type { LogBatch } from "../../src/data/log_batch.ts";
import { Aggregator } from "./aggregator.ts";
import type { DpWindowConfig } from "./config.ts";
import { lateCloseAfterOf } from "./config.ts";
import type { OpenDataset } from "./dataset.ts";
import { openDataset } from "./dataset.ts";
import { planOf } from "./ledger.ts";
import type { StoredRelease } from "./ledger_state.ts";
import { dayOfWindow } from "./ledger_state.ts";
import type { Outgoing } from "./outbox.ts";
import { Outbox } from "./outbox.ts";
import type { Silence } from "./periods.ts";
import { Periods } from "./periods.ts";
import { Releaser } from "./releaser.ts";
import { rowsOf, statusRow } from "./rows.ts";
import type { Spec } from "./spec.ts";
import { hashOfSpec, specOf } from "./spec.ts";

/** More than this between the clock and the ledger is a wrong clock or somebody else's ledger. */
const CLOCK_STEP_MAX_MS = 5 * 60_000;

const SILENCE_REASONS: Readonly<Record<Silence, string>> = {
  exhausted:
    "the dataset's budget of this day or of its horizon is spent (several processors, or a changed " +
    "configuration)",
  state_lost: "the contributions of this day are lost, so its bounds cannot be kept",
};

interface Running {
  readonly dataset: OpenDataset;
  readonly periods: Periods;
  readonly aggregator: Aggregator;
  readonly releaser: Releaser;
}

export class DpWindow implements Processor {
  readonly #config: DpWindowConfig;
  readonly #settings: Settings;
  readonly #spec: Spec;
  readonly #specHash: string;
  readonly #processor: string;
  readonly #outbox: Outbox;
  #running: Running | undefined;
  /** Finished at an earlier tick, handed on at the next. */
  #prepared: Outgoing[] = [];
  #preparing: Promise<void> | undefined;
  #cancelTick: CancelTimer = () => {};
  #stopped = false;
  /** Why less is released than configured, as last told. */
  #problem: string | undefined;

  constructor(config: DpWindowConfig, settings: Settings, next: LogsConsumer) {
    this.#config = config;
    this.#settings = settings;
    this.#spec = specOf(config);
    this.#specHash = hashOfSpec(this.#spec);
    this.#processor = `${formatComponentId(settings.id)} in ${settings.pipeline ?? "no pipeline"}`;
    this.#outbox = new Outbox({ next, clock: settings.clock, logger: settings.logger });
  }

  async start(): Promise<void> {
    const root = await this.#settings.sharedStateDirectory();
    const dataset = await openDataset(root, this.#config.dataset);
    try {
      this.#running = await this.#resume(dataset);
    } catch (error) {
      await dataset.leave();
      throw error;
    }
    this.#explain();
    const pending = [...dataset.ledger.state.pending.values()];
    this.#prepared = pending
      .filter(({ processor }) => processor === this.#processor)
      .map((release) => this.#outgoing(release));
    this.#scheduleTick();
  }

  consumeLogs(batch: LogBatch): Promise<void> {
    if (!this.#stopped) {
      this.#running?.aggregator.add(batch.records, this.#settings.clock.nowMs());
    }
    return Promise.resolve();
  }

  /**
   * Releases nothing early: a window that is cut short would be another window. What is finished is
   * handed on while there is time; open windows are forgotten.
   */
  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopped = true;
    this.#cancelTick();
    await this.#preparing;
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    this.#outbox.push(this.#takePrepared());
    await this.#outbox.drain(deadline);
    await running.periods.close();
    await running.dataset.leave();
  }

  async #resume(dataset: OpenDataset): Promise<Running> {
    const { clock, random } = this.#settings;
    const { state } = dataset.ledger;
    const nowMs = clock.nowMs();
    const plan = planOf(state.instance, this.#processor, this.#specHash);
    this.#checkClock(state.lastWindow(plan, 0), nowMs);
    const { contribution } = this.#spec;
    const bounds = contribution;
    const periods = new Periods({ directory: dataset.directory, plan, bounds, random });
    const aggregator = new Aggregator(
      this.#spec,
      {
        closeAfterMs: this.#config.window.close_after,
        lateUntilMs: lateCloseAfterOf(this.#config),
        maxFutureSkewMs: this.#config.window.max_future_skew,
      },
      (day) => periods.get(day),
    );
    // The very first window is the current one; a restart goes on with those that are still open.
    const isNew = state.lastWindow(plan, 0) === undefined;
    for (const revision of aggregator.revisions) {
      const last = state.lastWindow(plan, revision) ?? Number.NEGATIVE_INFINITY;
      const first = Math.max(aggregator.firstOpenAt(nowMs, revision), last + 1);
      aggregator.closeBefore(isNew ? this.#windowAt(nowMs) : first, revision);
    }
    const releaser = new Releaser({
      spec: this.#spec,
      specHash: this.#specHash,
      plan,
      processor: this.#processor,
      ledger: dataset.ledger,
      aggregator,
      periods,
      random,
      startedMs: nowMs,
    });
    const { firstDay } = aggregator;
    await periods.eraseBefore(firstDay);
    for (let day = firstDay; day <= firstDay + 2; day++) {
      await periods.resume(day, state.progress.get(`${plan} ${day}`)?.contributions);
    }
    releaser.checkBudget(dayOfWindow(this.#windowAt(nowMs), this.#spec.windowMs));
    return { dataset, periods, aggregator, releaser };
  }

  #checkClock(lastWindow: number | undefined, nowMs: number): void {
    if (lastWindow === undefined) return;
    const endMs = (lastWindow + 1) * this.#spec.windowMs;
    if (endMs <= nowMs + CLOCK_STEP_MAX_MS) return;
    throw new AgentError(
      "dp_window.clock_behind_ledger",
      `the ledger of dataset ${this.#config.dataset} ends at ${new Date(endMs).toISOString()}, ` +
        "which is in the future of this machine's clock",
    );
  }

  /** Says what the configuration costs, from the object that sets the noise. */
  #explain(): void {
    const { dataset, spent, ciLevel, metrics } = this.#spec;
    const measures = metrics.flatMap(({ name, measures }) =>
      measures.map((measure) => ({ name, ...measure })),
    );
    for (const { name, role, noise, variance, halfWidth } of measures) {
      this.#settings.logger.info("noise of a private metric", {
        dataset,
        metric: name,
        of: role,
        mechanism: noise.mechanism,
        standard_deviation: Number(Math.sqrt(variance).toPrecision(3)),
        interval: `value ± ${halfWidth}`,
        level: ciLevel,
        epsilon: spent.epsilon,
        delta: spent.delta,
      });
    }
  }

  #scheduleTick(): void {
    const tickMs = this.#config.window.release_tick;
    const nowMs = this.#settings.clock.nowMs();
    const delayMs = tickMs - (nowMs % tickMs);
    this.#cancelTick = this.#settings.clock.setTimer(delayMs, () => this.#tick());
  }

  #tick(): void {
    this.#scheduleTick();
    this.#outbox.push(this.#takePrepared());
    const running = this.#running;
    if (running === undefined) return;
    running.releaser.collect(this.#settings.clock.nowMs());
    this.#preparing ??= this.#prepare(running).finally(() => {
      this.#preparing = undefined;
    });
  }

  async #prepare(running: Running): Promise<void> {
    try {
      const room = this.#config.output.max_pending - this.#outbox.length - this.#prepared.length;
      const releases = await running.releaser.prepare(room);
      this.#prepared.push(...releases.map((release) => this.#outgoing(release)));
      const full = `${this.#config.output.max_pending} releases wait for an exporter`;
      this.#tell(room > 0 ? this.#silenceToday(running) : full);
    } catch (error) {
      this.#tell(describeError(error));
    }
  }

  /** Announces, once, why the current day is silent; gives the reason. */
  #silenceToday({ periods }: Running): string | undefined {
    const nowMs = this.#settings.clock.nowMs();
    const silence = periods.silence(dayOfWindow(this.#windowAt(nowMs), this.#spec.windowMs));
    if (silence === undefined) return undefined;
    const reason = SILENCE_REASONS[silence];
    if (reason !== this.#problem) {
      const batch = statusRow(this.#spec, nowMs, silence, reason);
      this.#prepared.push({ batch, done: () => Promise.resolve() });
    }
    return reason;
  }

  /** Log and health, when it changes. Never depends on the data. */
  #tell(problem: string | undefined): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const { logger } = this.#settings;
    const { dataset } = this.#spec;
    if (problem === undefined) {
      logger.info("private counts are released again", { dataset });
      this.#settings.reportStatus("ok");
    } else {
      logger.warn("private counts are not released", { dataset, reason: problem });
      this.#settings.reportStatus("degraded", problem);
    }
  }

  #windowAt(nowMs: number): number {
    return Math.floor(nowMs / this.#spec.windowMs);
  }

  #takePrepared(): Outgoing[] {
    const prepared = this.#prepared;
    this.#prepared = [];
    return prepared;
  }

  #outgoing(release: StoredRelease): Outgoing {
    const ledger = this.#running?.dataset.ledger;
    const spec = ledger?.state.specs.get(release.spec);
    if (ledger === undefined || spec === undefined) throw new Error("the ledger is open");
    return { batch: rowsOf(release, spec), done: () => ledger.delivered(release.id) };
  }
}
