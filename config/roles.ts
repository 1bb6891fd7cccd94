/**
 * Roles: names for the age recipients of those who may read something. `service.roles` gives each
 * name its recipients, and every list that is called `recipients` may name a role in their place.
 *
 * Invariant: a component never sees a role. What it gets are the recipients, each once, and a
 * mistake in one is shown where the recipient stands.
 */
import type { ConfigNode, ListNode, MapEntry, MapNode } from "./node.ts";
import { nodeAt } from "./node.ts";

type Roles = ReadonlyMap<string, readonly ConfigNode[]>;

/** The tree with the roles in the lists of its components replaced by their recipients. */
export function expandRoles(root: MapNode, sections: readonly string[]): MapNode {
  const roles = rolesOf(root);
  if (roles.size === 0) return root;
  const entries = new Map(root.entries);
  for (const section of sections) {
    const entry = entries.get(section);
    if (entry === undefined) continue;
    entries.set(section, { ...entry, value: expand(entry.value, roles) });
  }
  return { ...root, entries };
}

function rolesOf(root: MapNode): Roles {
  const roles = new Map<string, readonly ConfigNode[]>();
  const node = nodeAt(root, ["service", "roles"]);
  if (node?.kind !== "map") return roles;
  for (const [name, { value }] of node.entries) {
    if (value.kind === "list") roles.set(name, value.items);
  }
  return roles;
}

function expand(node: ConfigNode, roles: Roles): ConfigNode {
  if (node.kind === "scalar") return node;
  if (node.kind === "list")
    return { ...node, items: node.items.map((item) => expand(item, roles)) };
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of node.entries) {
    const { value } = entry;
    const isReaders = key === "recipients" && value.kind === "list";
    entries.set(key, {
      ...entry,
      value: isReaders ? expandList(value, roles) : expand(value, roles),
    });
  }
  return { ...node, entries };
}

function expandList(list: ListNode, roles: Roles): ListNode {
  const items: ConfigNode[] = [];
  const seen = new Set<unknown>();
  for (const item of list.items) {
    const name = item.kind === "scalar" ? String(item.value) : "";
    for (const recipient of roles.get(name) ?? [item]) {
      const text = recipient.kind === "scalar" ? recipient.value : recipient;
      if (seen.has(text)) continue;
      seen.add(text);
      items.push(recipient);
    }
  }
  return { ...list, items };
}
