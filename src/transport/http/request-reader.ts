// Request reader
//
// What a route reads out of a request, held against the contract. Each function gives the value, or undefined after
// it has answered the call with what is wrong: the route has nothing left to do then.

import type { Condition } from '../../actors/state/protocol.js';
import { integerOr, queryValue } from '../../contract/query.js';
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, REGISTRY_CURSOR_BYTES_MAX } from '../../contract/registry.js';
import type { Checker } from '../../contract/schema.js';
import { ETAG_BYTES_MAX } from '../../contract/state.js';
import { decodeUtf8, exceedsBytes, percentDecode, utf8Bytes } from '../../contract/text.js';
import type { Call } from './call.js';
import { hasFewParts, JSON_PARTS_MAX } from './json-structure.js';

/** The body as JSON of the described shape. */
export function readJson<T>(call: Call, shape: Checker<T>): T | undefined {
  const value = parseJson(call, call.body);
  if (value === undefined) return undefined;
  if (shape.check(value)) return value;
  return wrong(call, shape.fault(value));
}

/** For a route that takes nothing: no body, or any JSON. False when the call is answered. */
export function readNothing(call: Call): boolean {
  return call.body.length === 0 || parseJson(call, call.body) !== undefined;
}

function parseJson(call: Call, bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  if (text === undefined) return wrong(call, 'the body is not UTF-8');
  if (!hasFewParts(bytes)) return wrong(call, `the body has more than ${JSON_PARTS_MAX} parts`);
  try {
    return JSON.parse(text);
  } catch {
    // SyntaxError is all that it throws; its message would quote the body.
    return wrong(call, 'the body is not JSON');
  }
}

/** True for a text that may be stored: whole Unicode. Otherwise the call is answered. */
export function isWhole(call: Call, member: string, text: string): boolean {
  if (text.isWellFormed()) return true;
  call.badRequest(`${member} holds half of a surrogate pair`);
  return false;
}

/** The parameter of the path as a key of the shared state: 1 to `bytesMax` bytes, decoded once, without NUL. */
export function readStateKey(call: Call, bytesMax: number): string | undefined {
  const key = percentDecode(call.param);
  if (key === undefined) return wrong(call, 'the key has a malformed % escape');
  if (key === '' || exceedsBytes(key, bytesMax)) return wrong(call, `the key must have 1 to ${bytesMax} bytes`);
  if (key.includes('\0')) return wrong(call, 'the key holds a NUL');
  return key.isWellFormed() ? key : wrong(call, 'the key holds half of a surrogate pair');
}

/** `If-Match` and, where `absentAllowed`, `If-None-Match`: null when neither was sent. */
export function readCondition(call: Call, absentAllowed: boolean): Condition | null | undefined {
  const { 'if-match': match, 'if-none-match': noneMatch } = call.exchange.head.headers;
  if (match === undefined && noneMatch === undefined) return null;
  if (match === undefined) {
    if (!absentAllowed) return wrong(call, 'If-None-Match means nothing here');
    return noneMatch?.trim() === '*' ? { kind: 'none' } : wrong(call, 'If-None-Match takes only *');
  }
  if (noneMatch !== undefined) return wrong(call, 'If-Match and If-None-Match exclude each other');
  const etag = unquoted(match.trim());
  return etag === undefined ? wrong(call, 'If-Match takes one etag in quotes, or *') : { kind: 'match', etag };
}

/** The etag within its quotes, or `*` as it is. */
function unquoted(text: string): string | undefined {
  if (text === '*') return text;
  const etag = text.slice(1, -1);
  const quoted = text.length > 2 && text.startsWith('"') && text.endsWith('"') && !etag.includes('"');
  return quoted && text.length <= ETAG_BYTES_MAX + 2 && etag !== '*' ? etag : undefined;
}

/** A text out of the query: '' when it was not sent. */
export function readQueryText(call: Call, name: string, bytesMax: number): string | undefined {
  const text = queryValue(call.exchange.head.query, name);
  if (text === undefined) return '';
  if (text === null) return wrong(call, `${name} has a malformed % escape`);
  if (exceedsBytes(text, bytesMax)) return wrong(call, `${name} must have at most ${bytesMax} bytes`);
  return text.includes('\0') ? wrong(call, `${name} holds a NUL`) : text;
}

/** The place where the page before ended: null for the first page. `bytesMax` bounds it decoded. */
export function readCursor(call: Call, bytesMax: number): string | null | undefined {
  const cursor = queryValue(call.exchange.head.query, 'cursor');
  if (cursor === undefined || cursor === '') return null;
  const place = cursor === null || cursor.length > 2 * bytesMax ? undefined : placeOf(cursor);
  if (place !== undefined && utf8Bytes(place) <= bytesMax) return place;
  return wrong(call, 'cursor is none that was given here');
}

/** Which page was asked for, or undefined when the call is answered. */
export function readPage(call: Call): { readonly after: string | null; readonly limit: number } | undefined {
  const after = readCursor(call, REGISTRY_CURSOR_BYTES_MAX);
  return after === undefined ? undefined : { after, limit: readPageLimit(call) };
}

export function readPageLimit(call: Call): number {
  return integerOr(queryValue(call.exchange.head.query, 'limit'), 1, PAGE_LIMIT_MAX, PAGE_LIMIT_DEFAULT);
}

/** A cursor is the place in base64url: it goes through any URL as it is. */
export function cursorOf(place: string | null): string | null {
  return place === null ? null : Buffer.from(place, 'utf8').toString('base64url');
}

function placeOf(cursor: string): string | undefined {
  const bytes = Buffer.from(cursor, 'base64url');
  // The decoder skips what it does not know; only a text that it would have written itself is one of ours. No place has
  // a NUL in it: the store writes each as two bytes, and a key full of them would be longer than any that it takes.
  const ours = bytes.length > 0 && !bytes.includes(0) && bytes.toString('base64url') === cursor;
  return ours ? decodeUtf8(bytes) : undefined;
}

function wrong(call: Call, reason: string): undefined {
  call.badRequest(reason);
  return undefined;
}
