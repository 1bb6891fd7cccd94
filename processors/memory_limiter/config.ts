/** Configuration of the memory limiter; keys are the Collector's. */
import { z } from "zod";
import { durationMs } from "../../config/values.ts";

const percentage = z.number().min(0).max(100);

export const configSchema = z
  .strictObject({
    check_interval: durationMs
      .refine((ms) => ms > 0, "must be longer than 0s")
      .prefault("1s")
      .describe("How often the memory is looked at. (The Collector has no default.)"),
    limit_mib: z
      .int()
      .min(0)
      .default(0)
      .describe("Memory that may be used, in MiB; `0`: see next."),
    spike_limit_mib: z
      .int()
      .min(0)
      .default(0)
      .describe("Below the limit by this much, records are refused; `0` is a fifth of the limit."),
    limit_percentage: percentage
      .default(0)
      .describe("The limit as a share of the memory of the machine or container."),
    spike_limit_percentage: percentage.default(0).describe("The same for `spike_limit_mib`."),
    min_gc_interval_when_soft_limited: durationMs
      .prefault("10s")
      .describe("Least time between two forced collections between the two limits."),
    min_gc_interval_when_hard_limited: durationMs
      .prefault("0s")
      .describe("Least time between two forced collections above the limit."),
  })
  .superRefine((config, context) => {
    const issue = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (config.limit_mib === 0 && config.limit_percentage === 0) {
      issue([], "set limit_mib or limit_percentage");
    }
    if (config.limit_mib > 0 && config.spike_limit_mib >= config.limit_mib) {
      issue(["spike_limit_mib"], "must be smaller than limit_mib");
    }
    const { limit_percentage: limit, spike_limit_percentage: spike } = config;
    if (limit > 0 && spike >= limit) {
      issue(["spike_limit_percentage"], "must be smaller than limit_percentage");
    }
  });

export type Config = z.infer<typeof configSchema>;
