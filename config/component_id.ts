/** Component and pipeline ids, `type[/name]`. */

/** As in the Collector, but with letters that are safe in the name of a folder. */
const TYPE = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}){0,3}$/;

export const ID_HELP =
  "expected type or type/name; a name is of letters, digits and _ . - with / between its parts";

export interface ParsedId {
  readonly type: string;
  /** Empty when there is none. */
  readonly name: string;
}

export function parseId(text: string): ParsedId | undefined {
  const slash = text.indexOf("/");
  const type = slash === -1 ? text : text.slice(0, slash);
  const name = slash === -1 ? "" : text.slice(slash + 1);
  if (!TYPE.test(type) || (slash !== -1 && !NAME.test(name))) return undefined;
  return { type, name };
}

export function joinId(type: string, name: string): string {
  return name === "" ? type : `${type}/${name}`;
}
