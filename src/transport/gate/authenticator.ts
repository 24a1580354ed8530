// Authenticator
//
// Says who sent a request, by its bearer token. A token seen lately is answered at once from the cache; any other costs
// a read of the token index and, only when its lookup id is known there, one hash in the pool.
//
// Owns:     the cache of verified tokens, and the rules by which a token is accepted.
// Does not: store tokens, hash (token-hasher.ts), or know what a role may do.
//
// U1. No raw token outlives the verification that needs it: the cache is keyed by SHA-256.
// U2. A malformed token, a token of another role and an unknown lookup id are refused without hashing.
// U3. After revoke() returns, the token is refused, also by a verification that had begun before: what a hash has
//     shown is accepted only if the index, read again, still holds the hash that was verified.
// U4. An answer from the cache is younger than `cacheTtlMs`; the cache holds at most CACHE_ENTRIES_MAX tokens.
// U5. Past a bound the answer is OVERLOADED, never a wait without end.

import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../clock.js';
import { type Fault, faultOf } from '../../errors.js';
import { ExpiringMap } from './expiring-map.js';
import { type FlightState, HashFlights } from './hash-flights.js';
import { type BearerToken, ownCopy, parseBearer, type Role, tokenDigest } from './token.js';
import type { TokenHasher } from './token-hasher.js';

/** Verified tokens kept: about 90 MB when full. */
const CACHE_ENTRIES_MAX = 200_000;
/** Expired entries forgotten with each new one, so that a burst of callers does not stay in memory. */
const EXPIRED_PER_INSERT = 4;
/** The one admin has no address. */
const ADMIN_ID = 'admin';

export interface Principal {
  readonly role: Role;
  /** An agent's address, an operator's id, or `admin`. */
  readonly id: string;
}

export type AuthOutcome =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly fault: Fault };

/** What the token index holds under a lookup id. */
export interface TokenRecord {
  readonly role: Role;
  readonly id: string;
  /** Argon2id in PHC form. */
  readonly hash: string;
}

type Found = TokenRecord | undefined;

export interface AuthenticatorOptions {
  readonly hasher: Pick<TokenHasher, 'verifyToken'>;
  /** Reads the token index. Must see every write that was acknowledged before the call; may have to wait for it, and rejects when that is in vain. */
  readonly lookup: (lookupId: string) => Found | Promise<Found>;
  /** 0 caches nothing. */
  readonly cacheTtlMs: number;
  readonly clock: Clock;
  /** From the config: then it alone is the admin's, and the index is not asked. Only its digest is kept. */
  readonly adminToken?: string;
  /** Told why a verification failed inside. */
  readonly onDefect: (error: unknown) => void;
}

interface CachedToken {
  readonly outcome: AuthOutcome;
  readonly lookupId: string;
}

const ADMITTED_ADMIN: AuthOutcome = { ok: true, principal: { role: 'admin', id: ADMIN_ID } };
const REFUSED: Readonly<Record<Role, AuthOutcome>> = {
  operator: refusal('operator'),
  agent: refusal('agent'),
  admin: refusal('admin'),
};
const OVERLOADED: AuthOutcome = { ok: false, fault: { code: 'OVERLOADED', params: { what: 'the hash queue' } } };

export class Authenticator {
  readonly #options: Omit<AuthenticatorOptions, 'adminToken'>;
  readonly #adminDigest: Buffer | undefined;
  readonly #flights: HashFlights<AuthOutcome>;
  readonly #cache: ExpiringMap<CachedToken>;
  /** The cached digest of each lookup id, for revoke(). */
  readonly #digests = new Map<string, string>();

  constructor({ adminToken, ...options }: AuthenticatorOptions) {
    this.#options = options;
    this.#flights = new HashFlights({ clock: options.clock, isVain: isWrongToken });
    this.#adminDigest = adminToken === undefined ? undefined : Buffer.from(tokenDigest(adminToken));
    this.#cache = new ExpiringMap<CachedToken>({
      lifetimeMs: options.cacheTtlMs,
      entriesMax: CACHE_ENTRIES_MAX,
      onDrop: (_digest, { lookupId }) => this.#digests.delete(lookupId),
    });
  }

  /**
   * Who sent this `Authorization` header, as `role` and nothing else. Answers at once from the cache (under 1.5 µs) and
   * for what needs no hash; a promise otherwise, which never rejects. Faults: UNAUTHORIZED, OVERLOADED, INTERNAL.
   */
  authenticate(role: Role, header: string | undefined): AuthOutcome | Promise<AuthOutcome> {
    const bearer = parseBearer(header);
    if (bearer === undefined || bearer.role !== role) return REFUSED[role];
    const digest = tokenDigest(bearer.token);
    if (role === 'admin' && this.#adminDigest !== undefined) {
      return timingSafeEqual(Buffer.from(digest), this.#adminDigest) ? ADMITTED_ADMIN : REFUSED.admin;
    }
    const cached = this.#cache.get(digest, this.#options.clock.monotonic());
    return cached === undefined ? this.#verify(bearer, digest) : cached.outcome;
  }

  /** The token of this lookup id is no longer good (U3). To be called when its retirement is durable. */
  revoke(lookupId: string): void {
    this.#forget(lookupId);
    this.#flights.revoke(lookupId);
  }

  #verify(bearer: BearerToken, digest: string): AuthOutcome | Promise<AuthOutcome> {
    const found = this.#recordOf(bearer);
    if (found instanceof Promise) {
      return found.then(
        (record) => this.#enter(bearer, digest, record),
        (error: unknown) => this.#failed(error),
      );
    }
    return this.#enter(bearer, digest, found);
  }

  #enter(bearer: BearerToken, digest: string, record: Found): AuthOutcome | Promise<AuthOutcome> {
    if (record === undefined) return REFUSED[bearer.role];
    let fresh: Found = record;
    const landed = this.#flights.enter(digest, bearer.lookupId, (flight) => this.#fly(bearer, digest, flight, fresh));
    // A flight that begins later has waited behind another, and reads the index itself.
    fresh = undefined;
    return landed ?? OVERLOADED;
  }

  /** `fresh`: the record, when it was read in this very turn. */
  async #fly(bearer: BearerToken, digest: string, flight: FlightState, fresh: Found): Promise<AuthOutcome> {
    const refused = REFUSED[bearer.role];
    try {
      const found = flight.revoked ? undefined : (fresh ?? this.#recordOf(bearer));
      const record = found instanceof Promise ? await found : found;
      if (record === undefined) return refused;
      if (!(await this.#options.hasher.verifyToken(bearer.token, record.hash))) return refused;
      const foundAgain = this.#recordOf(bearer);
      const again = foundAgain instanceof Promise ? await foundAgain : foundAgain;
      if (flight.revoked || again?.hash !== record.hash) return refused;
      return this.#remember(digest, ownCopy(bearer.lookupId), record);
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): AuthOutcome {
    const fault = faultOf(error);
    if (fault.code === 'INTERNAL') this.#options.onDefect(error);
    return { ok: false, fault };
  }

  #recordOf(bearer: BearerToken): Found | Promise<Found> {
    const ofRole = (record: Found): Found => (record?.role === bearer.role ? record : undefined);
    const found = this.#options.lookup(bearer.lookupId);
    return found instanceof Promise ? found.then(ofRole) : ofRole(found);
  }

  #remember(digest: string, lookupId: string, { role, id }: TokenRecord): AuthOutcome {
    const outcome: AuthOutcome = { ok: true, principal: { role, id } };
    const nowMs = this.#options.clock.monotonic();
    this.#cache.dropExpired(nowMs, EXPIRED_PER_INSERT);
    this.#forget(lookupId);
    this.#cache.set(digest, { outcome, lookupId }, nowMs);
    this.#digests.set(lookupId, digest);
    return outcome;
  }

  #forget(lookupId: string): void {
    const digest = this.#digests.get(lookupId);
    if (digest !== undefined) this.#cache.delete(digest);
  }
}

function isWrongToken(outcome: AuthOutcome): boolean {
  return !outcome.ok && outcome.fault.code === 'UNAUTHORIZED';
}

function refusal(who: Role): AuthOutcome {
  return { ok: false, fault: { code: 'UNAUTHORIZED', params: { who } } };
}
