/**
 * Inclusion and consistency proofs of RFC 6962, sections 2.1.1 and 2.1.2.
 *
 * Which subtrees a proof names follows from the sizes alone. So a proof is described as the spans of
 * those subtrees, in the order of its hashes; whoever makes one hashes the spans, and whoever checks
 * one knows from them how many hashes there must be and on which side each belongs.
 */
import { hashNode } from "./merkle.ts";

/** Hashes in a proof of any log whose size this program can count. */
export const PROOF_HASHES_MAX = 63;

/** The leaves `from` to `to - 1`, which are one subtree. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** `PATH(index, D[size])`: from the leaf's sibling up. `index` is below `size`. */
export function inclusionSpans(index: number, size: number): Span[] {
  const spans: Span[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = middleOf(from, to);
    if (index < middle) {
      spans.push({ from: middle, to });
      to = middle;
    } else {
      spans.push({ from, to: middle });
      from = middle;
    }
  }
  return spans.reverse();
}

/** `PROOF(oldSize, D[size])`. None when either size is 0 or both are the same. */
export function consistencySpans(oldSize: number, size: number): Span[] {
  if (oldSize === 0 || oldSize === size) return [];
  const spans: Span[] = [];
  let [from, to] = [0, size];
  while (oldSize < to) {
    const middle = middleOf(from, to);
    if (oldSize <= middle) {
      spans.push({ from: middle, to });
      to = middle;
    } else {
      spans.push({ from, to: middle });
      from = middle;
    }
  }
  // A tree that is the left edge of the newer one is known to whoever knows its root.
  if (from > 0) spans.push({ from, to });
  return spans.reverse();
}

/** The root that a proof gives for a leaf; undefined when it has not the hashes it must have. */
export function rootOfInclusion(
  leaf: { readonly index: number; readonly hash: Buffer },
  size: number,
  path: readonly Buffer[],
): Buffer | undefined {
  if (leaf.index >= size) return undefined;
  const spans = inclusionSpans(leaf.index, size);
  if (spans.length !== path.length) return undefined;
  return spans.reduce((hash, { from }, at) => {
    const sibling = path[at]!;
    return from > leaf.index ? hashNode(hash, sibling) : hashNode(sibling, hash);
  }, leaf.hash);
}

interface SizedRoot {
  readonly size: number;
  readonly root: Buffer;
}

/** Does the newer log begin with all entries of the older one? */
export function isConsistent(older: SizedRoot, newer: SizedRoot, path: readonly Buffer[]): boolean {
  if (older.size > newer.size) return false;
  const spans = consistencySpans(older.size, newer.size);
  if (spans.length !== path.length) return false;
  if (older.size === 0) return true;
  if (older.size === newer.size) return older.root.equals(newer.root);
  const isEdge = spans[0]!.to !== older.size;
  const start = isEdge ? older.root : path[0]!;
  let [oldHash, newHash] = [start, start];
  for (const [at, { from }] of spans.entries()) {
    if (at === 0 && !isEdge) continue;
    const sibling = path[at]!;
    if (from >= older.size) newHash = hashNode(newHash, sibling);
    else [oldHash, newHash] = [hashNode(sibling, oldHash), hashNode(sibling, newHash)];
  }
  return oldHash.equals(older.root) && newHash.equals(newer.root);
}

/** RFC 6962 splits at the largest power of two below the number of leaves. */
export function middleOf(from: number, to: number): number {
  let width = 1;
  while (width * 2 < to - from) width *= 2;
  return from + width;
}
