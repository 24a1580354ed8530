// Query
//
// The query of a request: `name=value` pairs, read by name. A page of ours asks for three at most,
// so each read scans the text instead of building a map.

import { percentDecode } from './text.js';

/**
 * The first value of a parameter: undefined when it was not sent, null when its escapes are malformed.
 * `+` is a space, as forms write it. `name` must be plain ASCII letters and underscores.
 */
export function queryValue(query: string, name: string): string | null | undefined {
  let start = 0;
  while (start < query.length) {
    const ampersand = query.indexOf('&', start);
    const end = ampersand === -1 ? query.length : ampersand;
    if (query.startsWith(name, start)) {
      const after = start + name.length;
      if (after === end) return '';
      if (query.charCodeAt(after) === EQUALS) {
        return percentDecode(query.slice(after + 1, end).replaceAll('+', ' ')) ?? null;
      }
    }
    start = end + 1;
  }
  return undefined;
}

const EQUALS = 0x3d;

/** A whole number within [min, max]; anything else, absence included, is the fallback (kernel.md). */
export function integerOr(value: string | null | undefined, min: number, max: number, fallback: number): number {
  const number = wholeNumber(value);
  return number === undefined || number < min || number > max ? fallback : number;
}

/** As `integerOr`, but a number past the end is the end: a wait that is too long is the longest there is. */
export function integerClamped(value: string | null | undefined, max: number, fallback: number): number {
  const number = wholeNumber(value);
  return number === undefined ? fallback : Math.min(number, max);
}

function wholeNumber(value: string | null | undefined): number | undefined {
  return value != null && /^\d+$/.test(value) ? Number(value) : undefined;
}
