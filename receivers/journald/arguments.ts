/** What journalctl is asked, see journalctl(1). */
import type { JournaldConfig } from "./config.ts";

/** Where the journal is, without what is read of it. */
function placeArguments(config: JournaldConfig): string[] {
  const { directory, files, namespace, merge } = config;
  return [
    ...(namespace === undefined ? [] : ["--namespace", namespace]),
    ...(directory === undefined ? [] : ["--directory", directory]),
    ...files.flatMap((file) => ["--file", file]),
    ...(merge ? ["--merge"] : []),
  ];
}

/** Follows the journal from behind `cursor`, or from its beginning. */
export function followArguments(config: JournaldConfig, cursor: string): string[] {
  const { units, identifiers, priority, grep, dmesg, all, matches } = config;
  return [
    ...["--output=export", "--follow", "--no-tail", "--no-pager", "--quiet"],
    ...placeArguments(config),
    ...(cursor === "" ? [] : ["--after-cursor", cursor]),
    ...units.flatMap((unit) => ["--unit", unit]),
    ...identifiers.flatMap((identifier) => ["--identifier", identifier]),
    ...["--priority", priority],
    ...(grep === undefined ? [] : ["--grep", grep]),
    ...(dmesg ? ["--dmesg"] : []),
    ...(all ? ["--all"] : []),
    ...matches.flatMap((fields, index) => [
      ...(index > 0 ? ["+"] : []),
      ...Object.entries(fields).map(([name, value]) => `${name}=${value}`),
    ]),
  ];
}

/** Gives the newest entry of all. */
export function newestArguments(config: JournaldConfig): string[] {
  return ["--output=export", "--lines=1", "--no-pager", "--quiet", ...placeArguments(config)];
}
