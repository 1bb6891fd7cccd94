/** The detector as a configuration would have it, giving spans. */
import { configSchema } from "../../../processors/pii_detect/config.ts";
import { Detector } from "../../../processors/pii_detect/detector.ts";
import type { Span } from "./tokens.ts";

/** The configurations that are measured; the first is the default. */
export const CONFIGS = {
  precise: { names: "precise" },
  balanced: { names: "balanced" },
  recall: { names: "recall", entities: ["default", "date", "url"] },
} as const;

export type ConfigName = keyof typeof CONFIGS;
export const CONFIG_NAMES = Object.keys(CONFIGS) as ConfigName[];

export function detectorFor(config: ConfigName): (text: string) => Span[] {
  const detector = new Detector(configSchema.parse(CONFIGS[config]));
  return (text) => {
    detector.look(text, { context: "", meaning: undefined });
    const { spans, names } = detector.scanner;
    spans.settle();
    return Array.from({ length: spans.count }, (_, index) => ({
      type: names[spans.entity(index)]!,
      start: spans.start(index),
      end: spans.end(index),
    }));
  };
}
