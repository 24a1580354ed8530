// What an adapter answers by itself: to heads that never reach the handler, and for handlers that threw.
// The shape is the one of every other error on the wire.

import { errorMessage, errorTable } from '../../errors.js';
import type { HeadFlaw } from './head-reader.js';
import type { ResponseHeaders } from './listener.js';

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
