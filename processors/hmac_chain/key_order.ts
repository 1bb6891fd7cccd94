/**
 * The order in which the keys of a map are hashed: rising by their UTF-8 bytes.
 *
 * Records of one origin have the same keys in the same order, so the sorted order is worked out
 * once for each list of keys and found again by walking a tree, one step a key.
 * Invariant: the tree has at most {@link NODES_MAX} nodes; a larger one is begun anew.
 */
import type { AnyValueMap } from "../../src/data/any_value.ts";

export interface KeyOrder {
  /** Sorted, without the excluded ones. */
  readonly keys: readonly string[];
  /** `uint32 BE length || UTF-8` of each key. */
  readonly encoded: readonly Uint8Array[];
  /** True when the map has keys that are excluded. */
  readonly hasExcluded: boolean;
}

interface Node {
  readonly children: Map<string, Node>;
  order: KeyOrder | undefined;
  /** The child found last, which is nearly always the next one as well. */
  lastKey: string | undefined;
  lastChild: Node | undefined;
}

const NODES_MAX = 4096;

export class KeyOrders {
  readonly #excluded: ReadonlySet<string>;
  #root: Node = newNode();
  #nodes = 1;

  constructor(excluded: Iterable<string> = []) {
    this.#excluded = new Set(excluded);
  }

  of(map: AnyValueMap): KeyOrder {
    let node = this.#root;
    for (const key in map) {
      if (node.lastKey !== key) {
        node.lastChild = node.children.get(key) ?? this.#grow(node, key);
        node.lastKey = key;
      }
      node = node.lastChild!;
    }
    node.order ??= this.#sort(Object.keys(map));
    return node.order;
  }

  #grow(parent: Node, key: string): Node {
    const node = newNode();
    parent.children.set(key, node);
    if (++this.#nodes > NODES_MAX) {
      // The walk under way ends in the old tree, which nobody refers to afterwards.
      this.#root = newNode();
      this.#nodes = 1;
    }
    return node;
  }

  #sort(all: readonly string[]): KeyOrder {
    const kept = all.filter((key) => !this.#excluded.has(key));
    const pairs = kept.map((key) => ({ key, utf8: Buffer.from(key) }));
    pairs.sort((a, b) => Buffer.compare(a.utf8, b.utf8));
    return {
      keys: pairs.map(({ key }) => key),
      encoded: pairs.map(({ utf8 }) => {
        const bytes = Buffer.alloc(4 + utf8.length);
        bytes.writeUInt32BE(utf8.length);
        bytes.set(utf8, 4);
        return bytes;
      }),
      hasExcluded: kept.length < all.length,
    };
  }
}

function newNode(): Node {
  return { children: new Map(), order: undefined, lastKey: undefined, lastChild: undefined };
}
