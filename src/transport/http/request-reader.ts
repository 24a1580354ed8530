// Request reader
//
// What a route reads out of a request, held against the contract. Each function gives the value, or undefined after
// it has answered the call with what is wrong: the route has nothing left to do then.

import type { Condition } from '../../actors/state/protocol.js';
import { integerOr, queryValue } from '../../contract/query.js';
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, REGISTRY_CURSOR_BYTES_MAX } from '../../contract/registry.js';
import type { Checker } from '../../contract/schema.js';
import { ETAG_BYTES_MAX } from '../../contract/state.js';
import { decodeUtf8, percentDecode } from '../../contract/text.js';
import { NO_CURSOR, type PlaceAndLimit, placeOf } from '../kernel/page-cursor.js';
import { wholeFault } from '../kernel/text-faults.js';
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
  const fault = wholeFault(member, text);
  if (fault !== undefined) call.refuse(fault);
  return fault === undefined;
}

/** The parameter of the path, decoded once. */
export function readPathText(call: Call, what: string): string | undefined {
  return percentDecode(call.param) ?? wrong(call, `${what} has a malformed % escape`);
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
export function readQueryText(call: Call, name: string): string | undefined {
  const text = queryValue(call.exchange.head.query, name);
  return text === null ? wrong(call, `${name} has a malformed % escape`) : (text ?? '');
}

/** The place where the page before ended: null for the first page. `bytesMax` bounds it decoded. */
export function readCursor(call: Call, bytesMax: number): string | null | undefined {
  const cursor = queryValue(call.exchange.head.query, 'cursor');
  const place = cursor === null ? undefined : placeOf(cursor, bytesMax);
  if (place === undefined) call.refuse(NO_CURSOR);
  return place;
}

/** Which page was asked for, or undefined when the call is answered. */
export function readPage(call: Call): PlaceAndLimit | undefined {
  const after = readCursor(call, REGISTRY_CURSOR_BYTES_MAX);
  return after === undefined ? undefined : { after, limit: readPageLimit(call) };
}

export function readPageLimit(call: Call): number {
  return integerOr(queryValue(call.exchange.head.query, 'limit'), 1, PAGE_LIMIT_MAX, PAGE_LIMIT_DEFAULT);
}

function wrong(call: Call, reason: string): undefined {
  call.badRequest(reason);
  return undefined;
}
