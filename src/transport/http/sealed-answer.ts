// Sealed answer
//
// An answer that holds a token is kept for a repeat in a form that only the caller can read: sealed with its own
// token, or, where it has none yet, with the Idempotency-Key that it chose. Without a key nothing is kept.

import type { Sealed } from '../../actors/operator/protocol.js';
import type { Fault } from '../../errors.js';
import type { Answer, Idempotency } from '../../runtime/ref.js';
import { seal, unseal } from '../gate/seal.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';

interface HoldsSealed {
  readonly sealed: Sealed | null;
  /** Where a token took the place of another. */
  readonly revokedLookupId?: string;
}

const BEARER_CHARS = 'Bearer '.length;

/** The answer's body, sealed for a repeat; null when there is no key. */
export function sealFor(call: Call, body: object): Sealed | null {
  if (call.idempotencyKey === undefined) return null;
  return seal(secretOf(call), contextOf(call), JSON.stringify(body));
}

/**
 * Answers a repeat out of the store, before a token is made and hashed for nothing. True when the call is answered.
 * The stored reply must be one that holds a sealed answer: the fingerprint, which names the route, sees to it.
 */
export async function answeredBefore(
  context: HttpContext,
  call: Call,
  status: number,
  once: Idempotency | undefined,
): Promise<boolean> {
  if (once === undefined) return false;
  const stored = (await context.storedAnswer(once)) as Answer<HoldsSealed> | undefined;
  if (stored === undefined) return false;
  if (!stored.ok) {
    call.refuse(stored.fault);
    return true;
  }
  const { sealed, revokedLookupId } = stored.value;
  // The first answer may never have come back here, and the old token still be believed.
  if (revokedLookupId !== undefined) revokeToken(context, revokedLookupId);
  replay(call, status, sealed);
  return true;
}

/** Another token has taken the place of this one. */
export function revokeToken(context: HttpContext, lookupId: string): void {
  context.authenticator.revoke(lookupId);
  context.endSessions(lookupId, 'unauthorized');
}

const UNREADABLE: Fault = {
  code: 'CONFLICT',
  params: { reason: 'the first answer to this Idempotency-Key was sealed for another token' },
};

/** The first answer again. */
export function replay(call: Call, status: number, sealed: Sealed | null): void {
  const text = sealed === null ? undefined : unseal(secretOf(call), contextOf(call), sealed);
  if (text === undefined) call.refuse(UNREADABLE);
  else call.json(status, JSON.parse(text) as object, true);
}

function secretOf(call: Call): string {
  const bearer = call.exchange.head.headers.authorization;
  if (call.principal !== undefined && bearer !== undefined) return bearer.slice(BEARER_CHARS);
  return call.idempotencyKey ?? '';
}

function contextOf(call: Call): string {
  return `${call.name}\n${call.scope}`;
}
