/**
 * The functions of OTTL that conditions on logs need. One that is given a value of another type than
 * it is for gives `false` or nothing, as if the value were not there.
 */
import type { AnyValue } from "../../../src/data/any_value.ts";
import { Double, isAnyValueMap } from "../../../src/data/any_value.ts";
import { compileLinear } from "../linear_regex.ts";
import { TextTooLong } from "../text_too_long.ts";
import { bodyText } from "../value_text.ts";
import { isEqual } from "./compare.ts";
import type { Get } from "./paths.ts";

/** A value of a condition; `constant` is set when it stands in the condition itself. */
export interface Operand {
  readonly get: Get;
  readonly constant?: AnyValue;
}

export interface OttlFunction {
  readonly arguments: number;
  /** True when it can stand alone as a condition. */
  readonly isCondition: boolean;
  /** Throws a `SyntaxError` for arguments that it cannot work with. `lengthMax`: UTF-16 units. */
  make(operands: readonly Operand[], lengthMax: number): Get;
}

const isInt = (value: AnyValue): boolean =>
  typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
const isDouble = (value: AnyValue): boolean =>
  value instanceof Double || (typeof value === "number" && !Number.isInteger(value));

export const OTTL_FUNCTIONS: Readonly<Record<string, OttlFunction>> = {
  IsMatch: {
    arguments: 2,
    isCondition: true,
    make: ([target, pattern], lengthMax) => {
      const expression = compileLinear(constantText(pattern!, "the pattern of IsMatch"));
      return (record) => {
        const value = target!.get(record);
        if (value === undefined || value === null) return false;
        const text = bodyText(value);
        if (text.length > lengthMax) throw new TextTooLong();
        return expression.test(text);
      };
    },
  },
  HasPrefix: textTest((text, part) => text.startsWith(part)),
  HasSuffix: textTest((text, part) => text.endsWith(part)),
  ContainsValue: {
    arguments: 2,
    isCondition: true,
    make: ([list, item]) => {
      return (record) => {
        const values = list!.get(record);
        if (!Array.isArray(values)) return false;
        const wanted = item!.get(record);
        return values.some((value) => isEqual(value, wanted));
      };
    },
  },
  IsString: typeTest((value) => typeof value === "string"),
  IsInt: typeTest(isInt),
  IsDouble: typeTest(isDouble),
  IsBool: typeTest((value) => typeof value === "boolean"),
  IsMap: typeTest(isAnyValueMap),
  IsList: typeTest(Array.isArray),
  Len: conversion((value) => {
    if (typeof value === "string") return Buffer.byteLength(value);
    if (value instanceof Uint8Array || Array.isArray(value)) return value.length;
    return isAnyValueMap(value) ? Object.keys(value).length : undefined;
  }),
  ToLowerCase: conversion((value) => (typeof value === "string" ? value.toLowerCase() : undefined)),
  ToUpperCase: conversion((value) => (typeof value === "string" ? value.toUpperCase() : undefined)),
  String: conversion((value) => (value === null ? undefined : bodyText(value))),
  Int: conversion((value) => {
    const number = numberOf(value);
    return number === undefined ? undefined : Math.trunc(number);
  }),
  Double: conversion(numberOf),
};

function textTest(test: (text: string, part: string) => boolean): OttlFunction {
  return {
    arguments: 2,
    isCondition: true,
    make: ([target, part]) => {
      return (record) => {
        const text = target!.get(record);
        const wanted = part!.get(record);
        return typeof text === "string" && typeof wanted === "string" && test(text, wanted);
      };
    },
  };
}

function typeTest(test: (value: AnyValue) => boolean): OttlFunction {
  const make = ([target]: readonly Operand[]): Get => {
    return (record) => test(target!.get(record));
  };
  return { arguments: 1, isCondition: true, make };
}

function conversion(convert: (value: AnyValue) => AnyValue): OttlFunction {
  const make = ([target]: readonly Operand[]): Get => {
    return (record) => convert(target!.get(record) ?? null);
  };
  return { arguments: 1, isCondition: false, make };
}

function numberOf(value: AnyValue): number | undefined {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Double) return value.value;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  const isNumeral =
    typeof value === "string" && /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(value);
  return isNumeral ? Number(value) : undefined;
}

function constantText({ constant }: Operand, what: string): string {
  if (typeof constant === "string") return constant;
  throw new SyntaxError(`${what} must be text in double quotes`);
}
