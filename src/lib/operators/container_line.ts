/**
 * One line of a container runtime's log file.
 *
 *     docker (json-file) {"log":"text\n","stream":"stdout","time":"2024-03-30T08:31:20.545192187Z"}
 *     cri-o, containerd  2024-04-13T07:59:37.505201169-05:00 stdout F text
 *
 * CRI marks a part of a longer line with the tag `P` (kubernetes, CRI logging design); docker
 * leaves out the line feed at the end of a part.
 */
import type { AnyValue, AnyValueMap } from "../../data/any_value.ts";
import { isAnyValueMap } from "../../data/any_value.ts";
import type { HrTime } from "../../data/time.ts";
import { parseRfc3339 } from "../rfc3339.ts";
import { parseJsonObject } from "./json_parser.ts";

export interface ContainerLine {
  readonly stream: string;
  readonly text: string;
  /** False for a part that a later line of the same stream continues. */
  readonly last: boolean;
  readonly hrTime: HrTime;
  /** What else the line says, as attributes. */
  readonly more: AnyValueMap;
}

/** Undefined for a line that has neither form, or not the one that is asked for. */
export function parseContainerLine(
  text: string,
  format: "" | "docker" | "crio" | "containerd",
): ContainerLine | undefined {
  const isDocker = format === "" ? text.startsWith("{") : format === "docker";
  return isDocker ? parseDocker(text) : parseCri(text);
}

function parseDocker(text: string): ContainerLine | undefined {
  const parsed = parseJsonObject(text);
  if (!isAnyValueMap(parsed)) return undefined;
  const { log, stream, time, ...more } = parsed;
  const hrTime = typeof time === "string" ? parseRfc3339(time) : undefined;
  if (typeof log !== "string" || typeof stream !== "string" || hrTime === undefined) {
    return undefined;
  }
  const last = log.endsWith("\n");
  return { stream, text: last ? log.replace(/\r?\n$/, "") : log, last, hrTime, more };
}

function parseCri(text: string): ContainerLine | undefined {
  const timeEnd = text.indexOf(" ");
  const streamEnd = text.indexOf(" ", timeEnd + 1);
  if (timeEnd < 0 || streamEnd < 0) return undefined;
  const stream = text.slice(timeEnd + 1, streamEnd);
  const hrTime = parseRfc3339(text.slice(0, timeEnd));
  if ((stream !== "stdout" && stream !== "stderr") || hrTime === undefined) return undefined;
  const found = text.indexOf(" ", streamEnd + 1);
  const tagEnd = found < 0 ? text.length : found;
  const tag = text.slice(streamEnd + 1, tagEnd);
  // Further tags may follow the first, separated by colons.
  const mark = tag.split(":", 1)[0];
  if (mark !== "P" && mark !== "F") return undefined;
  const more: Record<string, AnyValue> = { logtag: tag };
  return { stream, text: text.slice(tagEnd + 1), last: mark === "F", hrTime, more };
}
