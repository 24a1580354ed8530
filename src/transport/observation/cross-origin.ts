// Cross origin
//
// What browsers are told of observation (Fetch, "CORS protocol"): where everybody may look, so may the pages of every
// origin. No other route says anything, so that pages of other origins read nothing else.

import { OBSERVE_PATH } from '../../contract/observe.js';
import type { ResponseHeaders } from '../listener/request-head.js';
import type { ObserveAccess } from './observation.js';

const NONE: ResponseHeaders = [];
const ANY_ORIGIN = ['access-control-allow-origin', '*'] as const;
const ANSWER: ResponseHeaders = [
  ANY_ORIGIN,
  [
    'access-control-expose-headers',
    'x-request-id, retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset',
  ],
];
const PREFLIGHT: ResponseHeaders = [
  ANY_ORIGIN,
  ['access-control-allow-methods', 'GET, HEAD, OPTIONS'],
  ['access-control-allow-headers', 'x-request-id, last-event-id'],
  ['access-control-max-age', '600'],
];

export function answerHeaders(access: ObserveAccess): ResponseHeaders {
  return access === 'public' ? ANSWER : NONE;
}

/** Of the answer to OPTIONS on any path. */
export function preflightHeaders(access: ObserveAccess, path: string): ResponseHeaders {
  return access === 'public' && path.startsWith(OBSERVE_PATH) ? PREFLIGHT : NONE;
}
