/** What a user writes for `partitions`: which groups have rows of their own. */
import { z } from "zod";
import { longDurationMs } from "../../config/values.ts";
import type { GroupKey } from "./groups.ts";

export const attributeName = z
  .string()
  .min(1)
  .max(256)
  .refine((name) => !name.startsWith("dp."), "names that begin with dp. are those of the results");

const publicValue = z.union([z.string().max(256), z.int()]);
const other = z
  .string()
  .min(1)
  .max(256)
  .default("_other")
  .describe("The name of all other values.");
const publicKey = z.strictObject({
  mode: z.literal("public").optional(),
  public: z
    .array(publicValue)
    .min(1)
    .refine((list) => new Set(list.map(String)).size === list.length, "a value is there twice")
    .describe("All values that have rows of their own. They are known to everybody."),
  other,
});
const openKey = z.strictObject({
  mode: z
    .literal("threshold")
    .describe("Values come from the data and are shown when enough units have them."),
  min_units: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1)
    .describe("Groups of fewer units are never shown; it comes on top of what privacy needs."),
  sticky: longDurationMs
    .prefault("7d")
    .describe("How long a group that was shown stays public, with rows of its own."),
  max_bytes: z.int().min(1).max(1024).default(128).describe("A longer value is another value."),
  other,
});

const discoverKey = z.strictObject({
  mode: z
    .literal("discover")
    .describe("Values come from the data and are shown when enough units had them on this day."),
  sticky: openKey.shape.sticky,
  max_bytes: openKey.shape.max_bytes,
  other,
});

export const partitions = z
  .object({
    keys: z
      .array(attributeName)
      .max(8)
      .default([])
      .describe("Attributes to group by; each has its own entry beside this key."),
  })
  .catchall(z.discriminatedUnion("mode", [publicKey, openKey, discoverKey]))
  .superRefine(({ keys, ...lists }, context) => {
    for (const key of keys) {
      if (!Object.hasOwn(lists, key)) {
        const message = "needs { public: [...] }, { mode: threshold } or { mode: discover }";
        context.addIssue({ code: "custom", path: [key], message });
      }
    }
    for (const [key, list] of Object.entries(lists)) {
      if (!keys.includes(key)) {
        context.addIssue({ code: "custom", path: [key], message: "is not one of keys" });
      }
      if ("public" in list && list.public.map(String).includes(list.other)) {
        context.addIssue({ code: "custom", path: [key, "other"], message: "is in public too" });
      }
    }
  });

interface WithPartitions {
  readonly partitions: z.infer<typeof partitions>;
}

export function groupKeysOf(config: WithPartitions): GroupKey[] {
  const { keys, ...lists } = config.partitions;
  return keys.flatMap((key): GroupKey[] => {
    const list = lists[key] as KeyConfig | undefined;
    if (list === undefined) return [];
    return "public" in list
      ? [{ key, public: list.public, other: list.other }]
      : [{ key, maxBytes: list.max_bytes, other: list.other }];
  });
}

type OpenConfig = z.infer<typeof openKey> | z.infer<typeof discoverKey>;
type KeyConfig = z.infer<typeof publicKey> | OpenConfig;

/** A key of open groups, with its name. */
export type OpenKeyConfig = OpenConfig & { readonly key: string };

/** The metric whose noisy number decides whether an open group is shown. */
export const DECIDING_KIND = { threshold: "distinct_units", discover: "running_units" } as const;

export function openKeysOf(config: WithPartitions): OpenKeyConfig[] {
  const { keys, ...lists } = config.partitions;
  return keys.flatMap((key) => {
    const list = lists[key] as KeyConfig | undefined;
    return list === undefined || "public" in list ? [] : [{ key, ...list }];
  });
}
