/**
 * The same text in memory of its own. A slice of a large string keeps all of it alive: as the key
 * of a cache, a dozen characters would hold a whole chunk of a file.
 */
export function detachedCopy(text: string): string {
  // The sum is new memory, and the slice of it is all but one character long.
  return ` ${text}`.slice(1);
}
