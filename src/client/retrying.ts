// Retrying
//
// How long to wait before trying again, and how long a call may take in all.

import { TroupeError } from './troupe-error.js';

export const BACKOFF_BASE_MS = 500;
export const BACKOFF_MAX_MS = 30_000;

/** Of one call, with all its retries, unless the caller says otherwise. */
export const TIMEOUT_MS_DEFAULT = 300_000;
/** An idempotency key is remembered for 24 h: a call that is repeated later than that could be done twice. */
export const TIMEOUT_MS_MAX = 23 * 3_600_000;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the call with all its retries, at most 23 hours. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Full jitter: anywhere between nothing and a bound that doubles with each attempt (0 is the first), on top of what the
 * server asked for. On top, not instead: many clients were told the same time, and must not come back at the same instant.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(attempt: number, atLeastMs = 0, random: () => number = Math.random): number {
  return Math.max(0, atLeastMs) + random() * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16));
}

/** Refuses a time that is none; one that is too long is an error too, because nothing is adjusted in silence. */
export function timeoutOf(options: CallOptions, fallbackMs: number): number {
  const { timeoutMs = fallbackMs } = options;
  if (timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX) return timeoutMs;
  throw new TroupeError('bad_request', `timeoutMs must be more than 0 and at most ${TIMEOUT_MS_MAX}`);
}

/** Resolves after this time; rejects when the signal is aborted, before or meanwhile, with its reason. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', aborted);
      resolve();
    }, ms);
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
  });
}

/** 128 random bits. randomUUID would do, but pages that came over plain HTTP do not have it. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
