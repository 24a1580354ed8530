// HTTP call
//
// One call of the HTTP API with its retries: the refusals that pass are waited for, lost connections are made again.
//
// H1. A POST or PUT carries one Idempotency-Key through all its repeats: it is done at most once.
// H2. What has no key and is no plain read is sent again only when it was counted out (429): then nothing was done.
// H3. A call ends by its deadline. A refusal that asks for a longer wait than is left is thrown at once, as it came.

import { pathOf, serverUrl } from './connect.js';
import { backoffMs, type CallOptions, newIdempotencyKey, pause, timeoutOf } from './retrying.js';
import { abortedBy, type RefusalMembers, refusal, TroupeError } from './troupe-error.js';

const HTTP_TIMEOUT_MS_DEFAULT = 60_000;
/** What a proxy says when the server behind it cannot be reached. */
const PROXY_STATUSES: readonly number[] = [502, 503, 504];

export interface HttpOptions {
  /** In the place of the global one: for a proxy, or for tests. */
  readonly fetch?: typeof fetch | undefined;
}

/** Of a POST or a PUT. */
export interface KeyedOptions extends CallOptions {
  readonly idempotencyKey?: string | undefined;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Escaped, without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** `read`: as often as it takes. `keyed`: the same, because of its key. `once`: H2. */
  readonly repeats: 'read' | 'keyed' | 'once';
}

export interface HttpAnswer<T> {
  readonly body: T;
  readonly headers: Headers;
}

/** Where a call failed, whether another attempt may help, and how long the server wants to be left alone before it. */
interface Failure {
  readonly error: TroupeError;
  readonly isWorthRetry: boolean;
}

export class HttpCaller {
  readonly #base: string;
  readonly #token: string | undefined;
  readonly #fetch: typeof fetch;

  constructor(server: string | URL, token: string | undefined, options: HttpOptions) {
    const url = serverUrl(server);
    this.#base = `${url.protocol.replace('ws', 'http')}//${url.host}${pathOf(url)}`;
    this.#token = token;
    this.#fetch = options.fetch ?? ((...args) => fetch(...args));
  }

  async body<T>(request: HttpRequest, options: KeyedOptions): Promise<T> {
    return (await this.call<T>(request, options)).body;
  }

  async call<T>(request: HttpRequest, options: KeyedOptions): Promise<HttpAnswer<T>> {
    const { signal } = options;
    if (signal?.aborted) throw abortedBy(signal);
    const timeoutMs = timeoutOf(options, HTTP_TIMEOUT_MS_DEFAULT);
    const deadlineAt = performance.now() + timeoutMs;
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    const late = setTimeout(abort, timeoutMs);
    signal?.addEventListener('abort', abort, { once: true });
    let last: TroupeError | undefined;
    try {
      const init = this.#init(request, options, stop.signal);
      for (let attempt = 0; ; attempt++) {
        const outcome = await this.#attempt<T>(request, init);
        if (!('error' in outcome)) return outcome;
        last = outcome.error;
        const waitMs = last.retryAfterMs ?? 0;
        if (!outcome.isWorthRetry || performance.now() + waitMs >= deadlineAt) throw last;
        await pause(backoffMs(attempt, waitMs), stop.signal);
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      if (signal?.aborted) throw abortedBy(signal);
      const message = `There was no answer within ${timeoutMs} ms; whether it was done is not known.`;
      throw new TroupeError('timeout', message, { cause: last });
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', abort);
    }
  }

  #init(request: HttpRequest, options: KeyedOptions, signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = { ...request.headers };
    if (this.#token !== undefined) headers.Authorization = `Bearer ${this.#token}`;
    if (request.body !== undefined) headers['Content-Type'] = 'application/json';
    if (request.repeats === 'keyed') headers['Idempotency-Key'] = options.idempotencyKey ?? newIdempotencyKey();
    const body = request.body === undefined ? {} : { body: JSON.stringify(request.body) };
    // A token is not for whoever the server may point to.
    return { method: request.method, headers, ...body, signal, redirect: 'error' };
  }

  async #attempt<T>(request: HttpRequest, init: RequestInit): Promise<HttpAnswer<T> | Failure> {
    const isRepeatable = request.repeats !== 'once';
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(this.#base + request.path + queryText(request.query), init);
      text = await response.text();
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      const [code, message] = isRepeatable
        ? (['connection_lost', 'The server cannot be reached.'] as const)
        : (['outcome_unknown', 'The connection was lost; it was done or it was not.'] as const);
      return { error: new TroupeError(code, message, { cause }), isWorthRetry: isRepeatable };
    }
    const body = parsed(text);
    if (response.ok && body !== undefined) return { body: body as T, headers: response.headers };
    const retryAfterMs = retryAfter(response.headers);
    if (!isRefusal(body)) {
      const error = new TroupeError('bad_answer', `${response.status} without an answer of a server.`, {
        retryAfterMs,
      });
      return { error, isWorthRetry: isRepeatable && PROXY_STATUSES.includes(response.status) };
    }
    const passes = response.status === 429 || (response.status === 503 && isRepeatable);
    return { error: refusal(body, retryAfterMs), isWorthRetry: passes };
  }
}

function queryText(query: HttpRequest['query'] = {}): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) pairs.set(name, String(value));
  return pairs.size === 0 ? '' : `?${pairs}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The only thing that it throws for.
    return undefined;
  }
}

function isRefusal(body: unknown): body is RefusalMembers {
  return typeof body === 'object' && body !== null && typeof (body as Partial<RefusalMembers>).error === 'string';
}

/** Whole seconds, as the server of this contract says it. */
function retryAfter(headers: Headers): number | undefined {
  const seconds = headers.get('Retry-After');
  return seconds !== null && /^\d+$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}
