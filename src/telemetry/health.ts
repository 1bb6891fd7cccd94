/**
 * The health page, for orchestrators and people: 200 while records flow, 503 otherwise.
 *
 * Invariant: it answers from memory, so that a blocked disk or backend cannot make it late.
 */
import type { Clock } from "../component/settings.ts";
import type { Page, Pages } from "./http_endpoint.ts";
import type { PipelineStatus } from "./pipeline_status.ts";
import type { StatusRegistry } from "./status.ts";

export function healthPages(
  registry: StatusRegistry,
  pipelines: PipelineStatus,
  clock: Clock,
): Pages {
  const startMs = clock.nowMs();
  return (path) => {
    if (path === "/pipelines") return jsonPage(200, pipelines.describe(registry.components));
    if (path !== "/" && path !== "/status") return undefined;
    return healthPage(registry, startMs, clock.nowMs());
  };
}

function healthPage(registry: StatusRegistry, startMs: number, nowMs: number): Page {
  const status = registry.overall;
  const healthy = status === "ok" || status === "degraded";
  const content = {
    status,
    start_time: new Date(startMs).toISOString(),
    uptime: `${Math.floor(Math.max(0, nowMs - startMs) / 1000)}s`,
    components: registry.components,
  };
  return jsonPage(healthy ? 200 : 503, content);
}

function jsonPage(status: number, content: object): Page {
  const body = `${JSON.stringify(content, undefined, 2)}\n`;
  return { status, contentType: "application/json", body };
}
