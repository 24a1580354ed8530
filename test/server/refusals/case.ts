// One request of the refusal tables, and what must come of it.

import type { ListenerName } from '../on-both-listeners.js';

/** A status and, where it is a refusal of ours, the `error` member of its body. */
export type Answered = readonly [status: number, error?: string];
/** Or no answer: the connection is ended, or (uws alone) nothing is said until the time for a head is over. */
export type Told = Answered | 'ended' | 'mute';

export interface RefusalCase {
  readonly what: string;
  readonly method?: string;
  /** With its query, as it goes on the wire; each character is one byte. */
  readonly path: string;
  /** The bearer token. */
  readonly as?: string | undefined;
  readonly headers?: readonly Header[];
  /** A text is sent as UTF-8. Its length, and JSON as its type, are named unless `headers` does. */
  readonly body?: string | Buffer;
  readonly told: Told | Readonly<Record<ListenerName, Told>>;
  /** So much is sent that the connection may be cut while it is coming, and the answer with it. */
  readonly mayBeCut?: true;
  /** What the Allow header must say. */
  readonly allow?: string;
}

export type Header = readonly [name: string, value: string];

export const BAD: Answered = [400, 'bad_request'];
export const UNAUTHORIZED: Answered = [401, 'unauthorized'];
export const UNVERIFIED: Answered = [403, 'verification_failed'];
export const NOT_FOUND: Answered = [404, 'not_found'];
export const WRONG_METHOD: Answered = [405, 'method_not_allowed'];
export const CONFLICT: Answered = [409, 'conflict'];
export const TOO_LARGE: Answered = [413, 'value_too_large'];
export const WRONG_TYPE: Answered = [415, 'unsupported_media_type'];
export const HEAD_TOO_LARGE: Answered = [431, 'bad_request'];
/** The library's own page. */
export const NOT_HTTP: Answered = [505];

export function toldBy(listener: ListenerName, { told }: RefusalCase): Told {
  return typeof told === 'object' && 'uws' in told ? told[listener] : told;
}

/** The bytes of the whole request. */
export function bytesOf(one: RefusalCase): Buffer {
  const { method = 'GET', path, as, headers = [], body } = one;
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const all: Header[] = given.has('host') ? [] : [['Host', 'x']];
  if (as !== undefined) all.push(['Authorization', `Bearer ${as}`]);
  const content = typeof body === 'string' ? Buffer.from(body) : body;
  if (content !== undefined) {
    if (!given.has('content-type')) all.push(['Content-Type', 'application/json']);
    if (!given.has('content-length') && !given.has('transfer-encoding')) {
      all.push(['Content-Length', String(content.length)]);
    }
  }
  const lines = [...all, ...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`, 'latin1'),
    content ?? Buffer.alloc(0),
  ]);
}
