/**
 * What every component says about itself, for the health page.
 *
 * Invariant: the state of the whole is that of its worst part, so a part that failed is never
 * hidden behind others that work.
 */
import type { Clock, ComponentId, ComponentStatus } from "../component/settings.ts";
import { formatComponentId } from "../component/settings.ts";

export interface ComponentState {
  readonly status: ComponentStatus;
  readonly reason?: string;
  /** Since when, RFC 3339. */
  readonly since: string;
}

/** From best to worst. `stopped` is worse than `degraded`: what is stopped does no work. */
const BY_SEVERITY: readonly ComponentStatus[] = ["ok", "degraded", "stopped", "starting", "failed"];

export class StatusRegistry {
  readonly #clock: Clock;
  readonly #states = new Map<string, ComponentState>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  report(
    id: ComponentId,
    pipeline: string | undefined,
    status: ComponentStatus,
    reason?: string,
  ): void {
    const key = componentKey(id, pipeline);
    const before = this.#states.get(key);
    const same = before?.status === status;
    this.#states.set(key, {
      status,
      ...(reason === undefined ? {} : { reason }),
      since: same ? before.since : new Date(this.#clock.nowMs()).toISOString(),
    });
  }

  /** Forgets all components, before others take their place. */
  clear(): void {
    this.#states.clear();
  }

  /** `starting` until the first component reported. */
  get overall(): ComponentStatus {
    if (this.#states.size === 0) return "starting";
    let worst = 0;
    for (const { status } of this.#states.values()) {
      worst = Math.max(worst, BY_SEVERITY.indexOf(status));
    }
    return BY_SEVERITY[worst]!;
  }

  get components(): Readonly<Record<string, ComponentState>> {
    return Object.fromEntries(this.#states);
  }
}

/** `exporter:otlp_http/backup`, and for a processor `processor:batch@logs/protected`. */
function componentKey(id: ComponentId, pipeline: string | undefined): string {
  const key = `${id.kind}:${formatComponentId(id)}`;
  return pipeline === undefined ? key : `${key}@${pipeline}`;
}
