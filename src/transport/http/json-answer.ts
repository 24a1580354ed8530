// JSON answer
//
// The form of every answer: its headers, and the body of a refusal.

import type { ErrorAnswer } from '../../contract/error-answer.js';
import { errorMessage, errorTable, type Fault, retryAfterMs } from '../../errors.js';
import type { ResponseHeaders } from '../listener/listener.js';

export type Header = readonly [name: string, value: string];

/** Where a caller stands with the limit that its call was counted against. */
export interface Standing {
  readonly limit: number;
  readonly remaining: number;
  /** Unix seconds. */
  readonly resetS: number;
}

const JSON_TYPE: Header = ['content-type', 'application/json'];
const NOSNIFF: Header = ['x-content-type-options', 'nosniff'];
/** A shared cache must not keep what one token was shown. */
const NO_STORE: Header = ['cache-control', 'no-store'];
const CHALLENGE: Header = ['www-authenticate', 'Bearer'];

/** The headers of an answer with a JSON body. */
export function jsonHeaders(
  requestId: string,
  standing: Standing | undefined,
  more: readonly Header[],
): ResponseHeaders {
  const headers: Header[] = [JSON_TYPE, NOSNIFF, NO_STORE, ['x-request-id', requestId]];
  if (standing !== undefined) headers.push(...standingHeaders(standing));
  if (more.length > 0) headers.push(...more);
  return headers;
}

/** Where the caller stands; none where the call is not counted. */
export function standingHeaders(standing: Standing | undefined): Header[] {
  if (standing === undefined) return [];
  return [
    ['x-ratelimit-limit', String(standing.limit)],
    ['x-ratelimit-remaining', String(standing.remaining)],
    ['x-ratelimit-reset', String(standing.resetS)],
  ];
}

/** The headers of an answer without a body. */
export function bareHeaders(requestId: string, more: readonly Header[]): ResponseHeaders {
  return [NOSNIFF, ['x-request-id', requestId], ...more];
}

/** A refusal as it is told: never more than the table and the parameters of its own code say. */
export function errorAnswer(fault: Fault): ErrorAnswer {
  const { wire } = errorTable[fault.code];
  const detail = detailOf(fault);
  const message = errorMessage(fault.code, fault.params);
  return detail === undefined ? { error: wire, message } : { error: wire, message, detail };
}

/** The headers that go with a refusal. */
export function errorHeaders(fault: Fault): Header[] {
  const { status } = errorTable[fault.code];
  const headers: Header[] = [];
  if (status === 429 || status === 503) headers.push(['retry-after', String(retryAfterS(fault))]);
  if (status === 401) headers.push(CHALLENGE);
  if (fault.code === 'METHOD_NOT_ALLOWED') headers.push(['allow', String(fault.params?.allow ?? '')]);
  const etag = currentEtag(fault);
  if (etag !== undefined) headers.push(['etag', `"${etag}"`]);
  return headers;
}

function detailOf(fault: Fault): string | undefined {
  if (fault.code === 'EVENTS_ARCHIVED') return String(fault.params?.archived);
  return fault.code === 'INBOX_FULL' ? 'inbox_full' : currentEtag(fault);
}

/** The etag that a compare-and-set met; undefined when it met no value. */
function currentEtag(fault: Fault): string | undefined {
  const etag = fault.code === 'CONFLICT' ? fault.params?.etag : undefined;
  return typeof etag === 'string' && etag !== '' ? etag : undefined;
}

/** Whole seconds, at least 1. */
function retryAfterS(fault: Fault): number {
  return Math.max(1, Math.ceil((retryAfterMs(fault.code, fault.params) ?? 1000) / 1000));
}
