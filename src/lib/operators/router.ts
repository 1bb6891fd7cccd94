/** Which operator a line goes to, by what it holds: the Collector's `router`. */
import type { RouterConfig } from "./config.ts";
import { compileCondition } from "./expression.ts";
import { writeField } from "./field.ts";
import type { Entry } from "./operator.ts";
import { targetOf } from "./routes.ts";
import { compileTemplate } from "./template.ts";

/** Gives the place of the next operator; undefined for a line that no route takes. */
export function routesOf(
  config: RouterConfig,
  index: number,
  ids: readonly string[],
): (entry: Entry) => number | undefined {
  const applies = config.if === undefined ? () => true : compileCondition(config.if);
  const routes = config.routes.map((route) => ({
    isTaken: compileCondition(route.expr),
    target: targetOf(ids, route.output),
    attributes: Object.entries(route.attributes).map(
      ([key, text]) => [key, compileTemplate(text)] as const,
    ),
  }));
  const other = config.default === undefined ? undefined : targetOf(ids, config.default);
  return (entry) => {
    if (!applies(entry)) return index + 1;
    const route = routes.find(({ isTaken }) => isTaken(entry));
    if (route === undefined) return other;
    for (const [key, template] of route.attributes) {
      writeField(entry, { root: "attributes", keys: [key] }, template(entry));
    }
    return route.target;
  };
}
