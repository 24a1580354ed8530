// Idempotency
//
// The front door's part of Idempotency-Key: whose key it is and what was asked with it. That two requests with the same
// key are not in flight at once is in-flight.ts; whether it was answered before is the runtime's to say (runtime/ref.ts).
//
// What leaves here for the store holds a digest of the client's key and never the key: an anonymous caller's sealed
// answer can be opened with the key (seal.ts), which therefore must not lie beside it.

import { createHash } from 'node:crypto';
import type { Fault } from '../../errors.js';
import type { Idempotency } from '../../runtime/ref.js';
import type { Principal } from './authenticator.js';
import { isVisibleAscii } from './visible-ascii.js';

export const IDEMPOTENCY_KEY_CHARS_MAX = 255;

export type IdempotencyKey =
  | { readonly kind: 'none' }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'refused'; readonly fault: Fault };

const NONE: IdempotencyKey = { kind: 'none' };
const REFUSED: IdempotencyKey = {
  kind: 'refused',
  fault: { code: 'BAD_REQUEST', params: { reason: 'Idempotency-Key takes 1 to 255 visible ASCII characters' } },
};

/** Reads the `Idempotency-Key` header. */
export function readIdempotencyKey(header: string | undefined): IdempotencyKey {
  if (header === undefined) return NONE;
  return isVisibleAscii(header, IDEMPOTENCY_KEY_CHARS_MAX) ? { kind: 'key', key: header } : REFUSED;
}

/** Whose keys they are: `agent:<address>`, `operator:<id>`, `admin:admin`, or `ip:<ip>` for a caller without a token. */
export function idempotencyScope(caller: Principal | { readonly ip: string }): string {
  return 'ip' in caller ? `ip:${caller.ip}` : `${caller.role}:${caller.id}`;
}

/** What was asked, without its query. */
export interface AskedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
}

/** What the runtime needs to answer a repeat: the scope, a digest of the key, and a digest of what was asked. */
export function idempotencyOf(scope: string, key: string, asked: AskedRequest): Idempotency {
  return { scope, key: sha256(`${scope}\n${key}`), fingerprint: fingerprintOf(asked) };
}

/** base64url SHA-256 over the method, the path and the bytes of the body. Neither of the first two can hold a line break. */
export function fingerprintOf({ method, path, body }: AskedRequest): string {
  return createHash('sha256').update(`${method}\n${path}\n`).update(body).digest('base64url');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
