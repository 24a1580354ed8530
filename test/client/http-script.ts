// A fetch that says what the test tells it to, and keeps what it was asked.

import assert from 'node:assert/strict';
import { HttpClient } from '../../src/client/node.js';

export interface Asked {
  readonly method: string;
  /** With the query, as it would go on the wire. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/** An answer; or `lost`: the connection breaks; or `silent`: there is none until the call is aborted. */
export type Say =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly text: string; readonly status: number }
  | 'lost'
  | 'silent';

export const BASE = 'http://server.test/base';

export interface Script {
  readonly http: HttpClient;
  readonly asked: Asked[];
}

/** A client whose calls are answered with these, one after the other, and then with the last for ever. */
export function script(...says: readonly Say[]): Script {
  const asked: Asked[] = [];
  const fakeFetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input));
    assert.ok(url.href.startsWith(BASE), url.href);
    asked.push({
      method: init.method ?? 'GET',
      path: url.href.slice(BASE.length),
      headers: new Headers(init.headers as Record<string, string>),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
    });
    assert.equal(init.redirect, 'error', 'a token goes nowhere else');
    const say = says[Math.min(asked.length, says.length) - 1] ?? 'lost';
    if (say === 'lost') throw new TypeError('fetch failed');
    if (say === 'silent') return await aborted(init.signal as AbortSignal);
    const text = 'text' in say ? say.text : JSON.stringify(say.body ?? {});
    return new Response(text, { status: say.status, ...('headers' in say ? { headers: say.headers } : {}) });
  };
  return { http: new HttpClient(`${BASE}/`, { fetch: fakeFetch as typeof fetch }), asked };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
