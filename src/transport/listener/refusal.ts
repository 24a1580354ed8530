// What an adapter answers by itself: to heads that never reach the handler, and for handlers that threw.
// The shape is the one of every other error on the wire.

import { errorMessage, errorTable } from '../../errors.js';
import { type FlawedHandshake, WEBSOCKET_VERSION } from './handshake.js';
import type { HeadFlaw } from './head-reader.js';
import type { ResponseHeaders } from './request-head.js';

export const REFUSAL_HEADERS: ResponseHeaders = [
  ['content-type', 'application/json'],
  ['x-content-type-options', 'nosniff'],
];

export function badRequestBody(reason: string): string {
  return JSON.stringify({
    error: errorTable.BAD_REQUEST.wire,
    message: errorMessage('BAD_REQUEST', { reason }),
  });
}

export const INTERNAL_BODY = JSON.stringify({
  error: errorTable.INTERNAL.wire,
  message: errorMessage('INTERNAL'),
});

export function statusOfFlaw(flaw: HeadFlaw): number {
  return flaw.kind === 'too_large' ? 431 : 400;
}

/** What is spoken here is named, as RFC 6455 and HTTP ask of a 426. */
const VERSION_HEADERS: ResponseHeaders = [
  ...REFUSAL_HEADERS,
  ['upgrade', 'websocket'],
  ['sec-websocket-version', WEBSOCKET_VERSION],
];

export function headersOfHandshake({ status }: FlawedHandshake): ResponseHeaders {
  return status === 426 ? VERSION_HEADERS : REFUSAL_HEADERS;
}

/** Why a request with a body cannot begin an answer without an end (open-answer.ts). */
export const NO_BODY_HERE = 'a call whose answer has no end takes no body';
