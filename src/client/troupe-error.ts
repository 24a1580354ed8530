// Troupe error
//
// The one error that the client throws. What a caller can do about it is in its code; the server's codes come as they are
// (docs/errors.md), those of the client itself are listed here.

import type { ErrorCode, errorTable } from '../errors.js';

/** What a server refuses with: the `error` member on the wire. */
export type WireCode = (typeof errorTable)[ErrorCode]['wire'];

export type ClientCode =
  /** The signal was aborted; `cause` is its reason. */
  | 'aborted'
  /** Not done within the time given. Whether the server did it is not known; `cause` is what was in the way last. */
  | 'timeout'
  /** The session was closed on this side. */
  | 'closed'
  /** A newer session of the agent took the place of this one. */
  | 'replaced'
  /** The agent is retired. */
  | 'retired'
  /** There is no connection, or it was lost. */
  | 'connection_lost'
  /** The connection was lost after the request was sent, and it cannot be repeated: it was done or it was not. */
  | 'outcome_unknown'
  /** The server said something that is not in the contract. */
  | 'bad_answer';

/** A newer server may send codes that are not listed here: they are passed on as they come. */
export type TroupeErrorCode = WireCode | ClientCode;

const STATUS: Readonly<Record<WireCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  verification_failed: 403,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  events_archived: 410,
  value_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal_error: 500,
  unavailable: 503,
  store_full: 507,
};

export interface ErrorFacts {
  /** What a program may need to go on: `inbox_full`, or the current etag of a conflict. */
  readonly detail?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

export class TroupeError extends Error {
  override readonly name = 'TroupeError';
  readonly code: TroupeErrorCode;
  /** The HTTP status that goes with the code, also where it came over a session; undefined for the client's own codes. */
  readonly status: number | undefined;
  readonly detail: string | undefined;
  /** Milliseconds after which a retry is sensible; undefined where the server gave no time. */
  readonly retryAfterMs: number | undefined;

  constructor(code: TroupeErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.status = (STATUS as Readonly<Record<string, number>>)[code];
    this.detail = facts.detail;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

export function abortedBy(signal: AbortSignal): TroupeError {
  return new TroupeError('aborted', 'The caller aborted it.', { cause: signal.reason });
}

export interface RefusalMembers {
  readonly error: string;
  readonly message: string;
  readonly detail?: string | undefined;
}

/** A refusal as it came over the wire. */
export function refusal(refused: RefusalMembers, retryAfterMs: number | undefined): TroupeError {
  return new TroupeError(refused.error as TroupeErrorCode, refused.message, { detail: refused.detail, retryAfterMs });
}
