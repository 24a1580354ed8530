// Page cursor
//
// Where the page before ended, as a client is told it: the place in base64url, which goes through any URL as it is.

import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from '../../contract/registry.js';
import { decodeUtf8, utf8Bytes } from '../../contract/text.js';
import type { Fault } from '../../errors.js';
import { badRequest } from './text-faults.js';

/** Which page is asked for. */
export interface PlaceAndLimit {
  /** Null for the first page. */
  readonly after: string | null;
  readonly limit: number;
}

export const NO_CURSOR: Fault = badRequest('cursor is none that was given here');

export function cursorOf(place: string | null): string | null {
  return place === null ? null : Buffer.from(place, 'utf8').toString('base64url');
}

/** The place of a cursor; null for none, undefined for one that was never given. `bytesMax` bounds it decoded. */
export function placeOf(cursor: string | undefined, bytesMax: number): string | null | undefined {
  if (cursor === undefined || cursor === '') return null;
  const place = cursor.length > 2 * bytesMax ? undefined : decoded(cursor);
  return place !== undefined && utf8Bytes(place) <= bytesMax ? place : undefined;
}

/** A number that is no limit of a page is the default. */
export function pageLimit(limit: number | undefined): number {
  return limit === undefined || limit < 1 || limit > PAGE_LIMIT_MAX ? PAGE_LIMIT_DEFAULT : limit;
}

function decoded(cursor: string): string | undefined {
  const bytes = Buffer.from(cursor, 'base64url');
  // The decoder skips what it does not know; only a text that it would have written itself is one of ours. No place has
  // a NUL in it: the store writes each as two bytes, and a key full of them would be longer than any that it takes.
  const ours = bytes.length > 0 && !bytes.includes(0) && bytes.toString('base64url') === cursor;
  return ours ? decodeUtf8(bytes) : undefined;
}
