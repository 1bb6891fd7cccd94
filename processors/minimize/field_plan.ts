/**
 * What happens to a field, worked out once for each name. The name of a field is the path of its
 * keys, joined by dots: `user.id` is the attribute `user.id`, and the key `id` in the map `user`.
 * The elements of a list have the name of the list.
 *
 * Invariant: a denied name wins over an allowed one, and what is below an allowed field is allowed.
 * A name too long to be held against a list is denied.
 */
import { detachedCopy } from "../../src/lib/detached_copy.ts";
import type { MatchesName } from "../../src/lib/name_pattern.ts";
import { compilePatterns } from "../../src/lib/name_pattern.ts";
import type { ListsConfig } from "./config.ts";

const PLANS_MAX = 8192;
const NAME_LENGTH_MAX = 1024;

export type QueryKind = "query" | "url" | "text";

export interface FieldPlan {
  readonly name: string;
  /** The name as it may be shown: keys that do not look like names of fields are `*`. */
  readonly shown: string;
  readonly verdict: "keep" | "unknown" | "deny";
  /** True when a map or list stays as it is, whatever is in it. */
  readonly isWhole: boolean;
  /** Where texts of this field have query parameters that are to be scrubbed. */
  readonly query: QueryKind | undefined;
  readonly children: Map<string, FieldPlan>;
}

export type QueryKindOf = (name: string) => QueryKind | undefined;

/** The plans of one section of a record: its attributes, its body, its resource or its scope. */
export class FieldPlans {
  /** The section itself: the whole body, or the map of all attributes. */
  readonly root: FieldPlan;
  /** True when nothing in this section ever changes. */
  readonly isIdle: boolean;
  readonly #allows: MatchesName | undefined;
  readonly #denies: MatchesName;
  readonly #queryKindOf: QueryKindOf | undefined;
  /** True when what is below a kept field may have to change. */
  readonly #looksBelow: boolean;
  #count = 0;

  /** `queryKindOf` is asked for each name; "" is the name of the root. */
  constructor({ allow, deny }: ListsConfig, queryKindOf: QueryKindOf | undefined) {
    this.#allows = allow && compilePatterns(allow);
    this.#denies = compilePatterns(deny);
    this.#queryKindOf = queryKindOf;
    this.#looksBelow = deny.length > 0 || queryKindOf !== undefined;
    this.isIdle = allow === undefined && !this.#looksBelow;
    const query = queryKindOf?.("");
    const isWhole = this.isIdle;
    this.root = { name: "", shown: "", verdict: "keep", isWhole, query, children: new Map() };
  }

  of(parent: FieldPlan, key: string): FieldPlan {
    return parent.children.get(key) ?? this.#make(parent, key);
  }

  #make(parent: FieldPlan, key: string): FieldPlan {
    const isTop = parent === this.root;
    const name = isTop ? key : `${parent.name}.${key}`;
    const shownKey = looksLikeName(key) ? key : "*";
    const verdict = this.#verdict(isTop ? undefined : parent, name);
    const plan: FieldPlan = {
      name,
      shown: isTop ? shownKey : `${parent.shown}.${shownKey}`,
      verdict,
      isWhole: verdict === "keep" && !this.#looksBelow,
      query: name.length > NAME_LENGTH_MAX ? undefined : this.#queryKindOf?.(name),
      children: new Map(),
    };
    // Names come from outside: nobody may fill the memory with them.
    if (name.length > NAME_LENGTH_MAX) return plan;
    if (this.#count >= PLANS_MAX) {
      this.root.children.clear();
      this.#count = 0;
    }
    this.#count++;
    parent.children.set(detachedCopy(key), plan);
    return plan;
  }

  #verdict(parent: FieldPlan | undefined, name: string): FieldPlan["verdict"] {
    if (this.isIdle) return "keep";
    if (name.length > NAME_LENGTH_MAX || this.#denies(name)) return "deny";
    if (this.#allows === undefined || parent?.verdict === "keep") return "keep";
    return this.#allows(name) ? "keep" : "unknown";
  }
}

/** A key that is content, such as an e-mail address or a number of an order, is not shown. */
function looksLikeName(key: string): boolean {
  return /^[A-Za-z_][\w.:/-]{0,127}$/.test(key) && !/\d{4}/.test(key);
}
