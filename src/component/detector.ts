/**
 * The contract by which one component lends its detector of personal data to others, so that none
 * imports another: a processor factory offers `createDetector`, and the agent hands it in.
 */

/** UTF-16 offsets `[start, end)` in a text and what stands there. */
export interface Detection {
  /** A row of docs/reference/entities.md. */
  readonly entity: string;
  readonly start: number;
  readonly end: number;
}

export interface DetectorOptions {
  /** `default` for all, names of entities, and `-name` to leave one out. */
  readonly entities: readonly string[];
  /** 0 to 1; what is less certain is not told. */
  readonly minScore: number;
  /** Texts that are no findings. */
  readonly allowedValues: readonly string[];
  /** Networks in CIDR notation whose addresses are no findings. */
  readonly allowedNetworks: readonly string[];
}

export interface Detector {
  /**
   * Rising and without overlaps; the whole text for what is in an encoded part of it. `name` is the
   * key that the text is the value of, or "". Throws when the text cannot be looked at as a whole.
   */
  detect(text: string, name: string): readonly Detection[];
}

/** A detector, or in words what is wrong with the options. */
export type CreateDetector = (options: DetectorOptions) => Detector | string;
