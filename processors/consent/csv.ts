/** Comma-separated values (RFC 4180): a header line, quotation marks, breaks inside of them. */
import { RegistryFault } from "./entry_fields.ts";

/** Rows of named fields with the number of the line on which each begins, counted from 1. */
export function* csvRows(text: string): Generator<[number, Record<string, string>]> {
  let header: readonly string[] | undefined;
  for (const [line, fields] of csvRecords(text)) {
    if (fields.length === 1 && fields[0] === "") continue;
    if (header === undefined) {
      header = fields.map((name) => name.trim().toLowerCase());
      continue;
    }
    if (fields.length !== header.length) {
      throw new RegistryFault(`line ${line} has ${fields.length} fields, not ${header.length}`);
    }
    yield [line, Object.fromEntries(header.map((name, index) => [name, fields[index]!.trim()]))];
  }
}

function* csvRecords(text: string): Generator<[number, string[]]> {
  let line = 1;
  let index = 0;
  while (index < text.length) {
    const begin = line;
    const fields: string[] = [];
    for (;;) {
      const field = text[index] === '"' ? quotedField(text, index) : bareField(text, index);
      if (field === undefined) throw new RegistryFault(`line ${begin} has a stray quotation mark`);
      fields.push(field.value);
      line += field.value.split("\n").length - 1;
      index = field.end;
      if (text[index] !== ",") break;
      index++;
    }
    if (text[index] === "\r") index++;
    if (text[index] === "\n") index++;
    line++;
    yield [begin, fields];
  }
}

interface CsvField {
  readonly value: string;
  readonly end: number;
}

function bareField(text: string, start: number): CsvField | undefined {
  let end = start;
  while (end < text.length && !",\r\n".includes(text[end]!)) end++;
  const value = text.slice(start, end);
  return value.includes('"') ? undefined : { value, end };
}

function quotedField(text: string, start: number): CsvField | undefined {
  let value = "";
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return undefined;
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      const isEnd = quote + 1 === text.length || ",\r\n".includes(text[quote + 1]!);
      return isEnd ? { value, end: quote + 1 } : undefined;
    }
    value += '"';
    from = quote + 2;
  }
}
