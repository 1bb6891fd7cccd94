/** Warnings about paths: each is given once, however often a poll meets it. */
import type { ComponentLogger } from "../../src/component/settings.ts";

export type WarnOnce = (message: string, path: string, error?: string) => void;

/** Paths whose warning is remembered; beyond it the oldest are forgotten, and warned of again. */
const REMEMBERED_MAX = 10_000;

export function warnOnce(logger: ComponentLogger): WarnOnce {
  const given = new Set<string>();
  return (message, path, error) => {
    const key = `${path}\0${message}`;
    if (given.has(key)) return;
    given.add(key);
    if (given.size > REMEMBERED_MAX) given.delete(given.values().next().value!);
    logger.warn(message, error === undefined ? { path } : { path, error });
  };
}
