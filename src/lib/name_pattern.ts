/** Names with `*`, which stands for any characters, also none and also dots. */

export type MatchesName = (name: string) => boolean;

/** Takes at most as many steps as the name has characters, times those of the pattern. */
export function compilePatterns(patterns: readonly string[]): MatchesName {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const wild = patterns.filter((pattern) => pattern.includes("*")).map((text) => text.split("*"));
  return (name) => exact.has(name) || wild.some((parts) => matchesParts(name, parts));
}

/** The first part begins the name, the last one ends it, and the others stand between in order. */
function matchesParts(name: string, parts: readonly string[]): boolean {
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (!name.startsWith(first)) return false;
  let position = first.length;
  for (let index = 1; index < parts.length - 1; index++) {
    const found = name.indexOf(parts[index]!, position);
    if (found < 0) return false;
    position = found + parts[index]!.length;
  }
  return name.length - last.length >= position && name.endsWith(last);
}
