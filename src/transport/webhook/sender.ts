// Sender
//
// One POST: resolve, check, connect, sign, send, and see what is answered.
//
//     push ──▶ address of the name, checked ──▶ connections to that address ──▶ POST ──▶ status
//
// Owns:     connections, kept for a while for who pushes there again.
// Does not: try again, or decide how many at once (delivery-slots.ts).
//
// SE1. A connection goes to the address that was checked for this push, and the certificate must be that of the name.
// SE2. No redirect is followed: it is an answer like others.
// SE3. Of an answer ANSWER_BYTES_MAX are read, and thrown away; a longer one costs the connection.
// SE4. Connections are kept to ORIGINS_MAX places; the one that was used longest ago gives way.

import { Pool } from 'undici';
import type { AttemptResult } from '../../actors/endpoint/protocol.js';
import { addressOf, type DestinationRules } from './destination.js';
import { signedHeaders } from './signature.js';

export const ANSWER_BYTES_MAX = 16 * 1024;
export const ORIGINS_MAX = 512;
const IDLE_CONNECTION_MS = 10_000;

export interface SenderRules extends DestinationRules {
  readonly connectTimeoutMs: number;
  /** Of it all. */
  readonly timeoutMs: number;
  /** To one place. */
  readonly connectionsMax: number;
  readonly userAgent: string;
}

export interface Push {
  readonly url: string;
  readonly secret: string;
  readonly messageId: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export class WebhookSender {
  readonly #rules: SenderRules;
  /** By origin and address; the one that was used last comes last. */
  readonly #pools = new Map<string, Pool>();

  constructor(rules: SenderRules) {
    this.#rules = rules;
  }

  /** Never rejects. */
  async send(push: Push): Promise<AttemptResult> {
    const begun = performance.now();
    const cut = new AbortController();
    const late = setTimeout(() => cut.abort(), this.#rules.timeoutMs);
    try {
      const status = await this.#post(push, cut.signal);
      const ms = performance.now() - begun;
      return status === undefined ? { kind: 'unanswered', ms } : { kind: 'answered', status, ms };
    } catch {
      // No connection, no answer in time, no name, a certificate of somebody else: all of them are no answer.
      return { kind: 'unanswered', ms: performance.now() - begun };
    } finally {
      clearTimeout(late);
    }
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  /** Undefined when the address is refused. */
  async #post({ url: text, secret, messageId, payload }: Push, signal: AbortSignal): Promise<number | undefined> {
    const url = new URL(text);
    const address = await withinTime(addressOf(url, this.#rules), signal);
    if (address === undefined) return undefined;
    const body = JSON.stringify(payload);
    const answer = await this.#poolOf(url, address).request({
      method: 'POST',
      path: url.pathname + url.search,
      headers: {
        'content-type': 'application/json',
        'user-agent': this.#rules.userAgent,
        ...signedHeaders(secret, messageId, new Date(), body),
      },
      body,
      signal,
    });
    // What comes after the head does not change what was answered (SE3).
    await answer.body.dump({ limit: ANSWER_BYTES_MAX, signal }).catch(() => undefined);
    return answer.statusCode;
  }

  #poolOf(url: URL, address: string): Pool {
    const key = `${url.origin} ${address}`;
    const pool = this.#pools.get(key) ?? this.#open(url, address);
    // Again, so that it is the last.
    this.#pools.delete(key);
    this.#pools.set(key, pool);
    if (this.#pools.size > ORIGINS_MAX) {
      const [oldest] = this.#pools;
      this.#pools.delete(oldest![0]);
      // What is under way there ends first.
      void oldest![1].close();
    }
    return pool;
  }

  #open(url: URL, address: string): Pool {
    const { connectTimeoutMs, timeoutMs, connectionsMax } = this.#rules;
    const family = address.includes(':') ? 6 : 4;
    return new Pool(url.origin, {
      connections: connectionsMax,
      pipelining: 1,
      keepAliveTimeout: IDLE_CONNECTION_MS,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: {
        timeout: connectTimeoutMs,
        // The checked address and no other, whatever the name says by now (SE1).
        lookup: (_name, options, found) => {
          if (options.all === true) found(null, [{ address, family }]);
          else found(null, address, family);
        },
      },
    });
  }
}

function withinTime<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the time is over')), { once: true });
    promise.then(resolve, reject);
  });
}
