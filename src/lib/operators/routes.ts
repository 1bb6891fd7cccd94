/**
 * Which operator comes after which. Lines only go forward in the list, and a line goes one way: it
 * gives one record, because a record is known by its line's place in the file.
 */
interface Routed {
  readonly type: string;
  readonly id?: string | undefined;
  readonly output?: string | readonly string[] | undefined;
  readonly default?: string | readonly string[] | undefined;
  readonly routes?: readonly { readonly output: string | readonly string[] }[] | undefined;
}

/** The id, or what the Collector gives without one: the type, and a number from the second on. */
export function operatorIds(operators: readonly Routed[]): string[] {
  const counts = new Map<string, number>();
  return operators.map(({ id, type }) => {
    if (id !== undefined) return id;
    const count = counts.get(type) ?? 0;
    counts.set(type, count + 1);
    return count === 0 ? type : `${type}${count}`;
  });
}

/** The place of the operator that an `output` names. */
export function targetOf(ids: readonly string[], output: string | readonly string[]): number {
  return ids.lastIndexOf(typeof output === "string" ? output : (output[0] ?? ""));
}

interface RouteError {
  readonly path: (string | number)[];
  readonly message: string;
}

export function routeErrors(operators: readonly Routed[]): RouteError[] {
  const ids = operatorIds(operators);
  const errors: RouteError[] = [];
  operators.forEach(({ output, default: other, routes = [] }, index) => {
    if (ids.indexOf(ids[index]!) !== index) {
      errors.push({ path: [index, "id"], message: "another operator has this id" });
    }
    const check = (name: string | readonly string[] | undefined, ...path: (string | number)[]) => {
      if (name === undefined) return;
      const target = targetOf(ids, name);
      if (target > index) return;
      const message =
        target < 0
          ? "no operator has this id"
          : "lines only go to an operator that is further down the list";
      errors.push({ path: [index, ...path], message });
    };
    check(output, "output");
    check(other, "default");
    routes.forEach((route, at) => {
      check(route.output, "routes", at, "output");
    });
  });
  return errors;
}
