/**
 * Is this a phone number of one of the countries? The numbering plans are those of
 * `libphonenumber-js`, which is loaded at the first candidate.
 */
import { createRequire } from "node:module";
import type { Region } from "../entity.ts";

const DIGITS_MIN = 7;
const DIGITS_MAX = 13;
const CACHE_SIZE = 4096;

type Library = typeof import("libphonenumber-js/min");

interface Plan {
  readonly country: string;
  /** Of the digits alone. Most candidates fail it, and asking the library costs far more. */
  readonly digits: RegExp;
}

let library: Library | undefined;
const plans = new Map<Region, Plan>();
let cache = new Map<string, boolean>();
let cachedRegions: readonly Region[] | undefined;

export function isNationalPhone(value: string, regions: readonly Region[]): boolean {
  // `2015-07-29 17` and `2015.07.29` are dates.
  if (/^(?:19|20)\d{2}[-/.]\d{2}[-/.]\d{2}/.test(value)) return false;
  const digits = value.replace(/\D?(?:ext|x).*$/i, "").replace(/\D/g, "");
  if (digits.length < DIGITS_MIN || digits.length > DIGITS_MAX) return false;
  if (cachedRegions !== regions || cache.size >= CACHE_SIZE) cache = new Map();
  cachedRegions = regions;
  let isPhone = cache.get(digits);
  if (isPhone === undefined) {
    isPhone = regions.some((region) => isPhoneOf(region, digits));
    cache.set(digits, isPhone);
  }
  return isPhone;
}

function isPhoneOf(region: Region, digits: string): boolean {
  let plan = plans.get(region);
  if (plan === undefined) {
    plan = planOf(region);
    plans.set(region, plan);
  }
  if (!plan.digits.test(digits)) return false;
  return library!.default(digits, plan.country as "US")?.isValid() === true;
}

function planOf(region: Region): Plan {
  library ??= createRequire(import.meta.url)("libphonenumber-js/min") as Library;
  const country = region === "uk" ? "GB" : region.toUpperCase();
  const metadata = new library.Metadata();
  metadata.selectNumberingPlan(country as "US");
  // The types leave out what the class has.
  const plan = metadata.numberingPlan as unknown as {
    nationalNumberPattern(): string;
    nationalPrefixForParsing(): string | undefined;
  };
  const prefix = plan.nationalPrefixForParsing() ?? "";
  return { country, digits: new RegExp(`^(?:${prefix})?(?:${plan.nationalNumberPattern()})$`) };
}
