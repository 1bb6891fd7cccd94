/** Maps of records hold what came from outside, so a key may have any name. */
import type { AnyValue, AnyValueMap } from "../../src/data/any_value.ts";

/** Sets a property of the object itself, also one with the name `__proto__`. */
export function setOwn(map: AnyValueMap, key: string, value: AnyValue): void {
  if (key !== "__proto__") map[key] = value;
  else {
    Object.defineProperty(map, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
}
