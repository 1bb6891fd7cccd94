/** Severities as a configuration of the Collector names them. */

const NAMES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const RANGE = 4;
const NUMBER_MAX = NAMES.length * RANGE;

/** OTLP's number of `INFO`, `warn2`, `9` or 9; undefined when it is none. */
export function severityNumberOf(text: string | number): number | undefined {
  const match = /^(?:([A-Z]+)([234])?|(\d{1,2}))$/.exec(String(text).toUpperCase());
  if (match === null) return undefined;
  const [, name, step, digits] = match;
  if (name === undefined) {
    const number = Number(digits);
    return number >= 1 && number <= NUMBER_MAX ? number : undefined;
  }
  const range = NAMES.indexOf(name);
  return range < 0 ? undefined : range * RANGE + Number(step ?? 1);
}
