// Provider
//
// Calls an endpoint that speaks the protocol of OpenAI: chat completions and embeddings. One for the process, since what a provider
// limits, it limits for all of us.
//
// Owns:     the connections, the key, the retries, the bound of calls in flight (fair-gate.ts).
// Does not: trust an answer: it hands over what was said, and its callers check it.
//
// PR1. At most `inFlightMax` calls are in flight, fair between subjects; a call that waits for its next try holds none of them.
// PR2. A try takes at most `timeoutMs`; there are RETRIES_MAX more after 429 and 5xx, not before what Retry-After says.
// PR3. An answer is read up to ANSWER_BYTES_MAX, then dropped.
// PR4. Neither the key, nor the address, nor anything an answer says stands in an error.

import { Agent, type Dispatcher, request } from 'undici';
import { type Clock, systemClock } from '../../clock.js';
import { FairGate } from './fair-gate.js';
import type { Json, JsonObject } from './records.js';

export interface ProviderOptions {
  /** As `https://api.example.com/v1`; `/chat/completions` and `/embeddings` are added to its path. */
  readonly baseUrl: string;
  /** Null: none is sent. */
  readonly apiKey: string | null;
  readonly timeoutMs: number;
  readonly inFlightMax: number;
  readonly clock?: Clock;
  /** Of the first wait before a try again, where the answer does not say: it doubles, and half of it is chance. */
  readonly backOffMs?: number;
}

export const RETRIES_MAX = 2;
export const WAITING_MAX = 1_000;
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** Who wants us to wait longer is taken for one who refuses: a compile has another way. */
export const RETRY_AFTER_MS_MAX = 60_000;
const BACK_OFF_MS = 500;
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export type ProviderFailure =
  | 'timeout'
  | 'unreachable'
  | 'malformed'
  | 'too large'
  | 'closed'
  | 'overloaded'
  | `status ${number}`;

/** What went wrong, in words that may be shown and kept (PR4). */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly failure: ProviderFailure;

  constructor(failure: ProviderFailure) {
    super(`The provider's answer was not had: ${failure}.`);
    this.failure = failure;
  }
}

export interface ChatMessage {
  readonly role: 'system' | 'user';
  readonly content: string;
}

interface Answer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly text: string;
}

export class Provider {
  readonly #options: ProviderOptions;
  readonly #clock: Clock;
  readonly #agent: Agent;
  readonly #gate: FairGate;
  readonly #closing = new AbortController();

  constructor(options: ProviderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#gate = new FairGate(options.inFlightMax, WAITING_MAX);
    // Our own timeout covers all of a try; undici's would end one of a model that thinks long before it answers.
    this.#agent = new Agent({ connections: options.inFlightMax, headersTimeout: 0, bodyTimeout: 0 });
  }

  get inFlight(): number {
    return this.#gate.inFlight;
  }

  /** What the model says to `messages`. Rejects with ProviderError. */
  async chat(subject: string, model: string, messages: readonly ChatMessage[]): Promise<string> {
    const answer = await this.#call(subject, '/chat/completions', {
      model,
      messages: messages.map((one) => ({ ...one })),
      temperature: 0,
    });
    const choices = member(answer, 'choices');
    const content = member(
      member(Array.isArray(choices) ? (choices as readonly Json[])[0] : undefined, 'message'),
      'content',
    );
    if (typeof content !== 'string') throw new ProviderError('malformed');
    return content;
  }

  /** The `data` of an answer to `/embeddings`, as it came. Rejects with ProviderError. */
  async embeddings(subject: string, body: JsonObject): Promise<readonly Json[]> {
    const data = member(await this.#call(subject, '/embeddings', body), 'data');
    if (!Array.isArray(data)) throw new ProviderError('malformed');
    return data as readonly Json[];
  }

  /** Ends what is in flight and refuses what waits. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#gate.close();
    await this.#agent.destroy();
  }

  async #call(subject: string, path: string, body: JsonObject): Promise<Json> {
    const text = JSON.stringify(body);
    for (let tried = 0; ; tried++) {
      const answer = await this.#through(subject, path, text);
      if (answer.status === 200) return parsed(answer.text);
      const again = answer.status === 429 || answer.status >= 500;
      const waitMs = answer.retryAfterMs ?? this.#backOffMs(tried);
      if (!again || tried >= RETRIES_MAX || waitMs > RETRY_AFTER_MS_MAX)
        throw new ProviderError(`status ${answer.status}`);
      await this.#rest(waitMs);
    }
  }

  async #through(subject: string, path: string, text: string): Promise<Answer> {
    let began = false;
    try {
      return await this.#gate.run(subject, () => {
        began = true;
        return this.#try(path, text);
      });
    } catch (error) {
      if (error instanceof ProviderError) throw error;
      throw new ProviderError(this.#closing.signal.aborted ? 'closed' : began ? 'unreachable' : 'overloaded');
    }
  }

  async #try(path: string, text: string): Promise<Answer> {
    const { baseUrl, apiKey, timeoutMs } = this.#options;
    const late = new AbortController();
    const timer = this.#clock.after(Math.min(timeoutMs, TIMEOUT_MS_MAX), () => late.abort());
    try {
      const { statusCode, headers, body } = await request(`${baseUrl.replace(/\/+$/, '')}${path}`, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: AbortSignal.any([late.signal, this.#closing.signal]),
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: text,
      });
      const answered = await readBounded(body);
      return { status: statusCode, retryAfterMs: this.#retryAfterMs(headers['retry-after']), text: answered };
    } catch (error) {
      if (late.signal.aborted && !this.#closing.signal.aborted) throw new ProviderError('timeout');
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** Retry-After in seconds or as a date; undefined where it says nothing that can be read. */
  #retryAfterMs(header: string | string[] | undefined): number | undefined {
    const value = Array.isArray(header) ? header[0] : header;
    if (value === undefined) return undefined;
    if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1_000;
    const at = Date.parse(value);
    return Number.isNaN(at) ? undefined : Math.max(0, at - this.#clock.now());
  }

  #backOffMs(tried: number): number {
    const most = (this.#options.backOffMs ?? BACK_OFF_MS) * 2 ** tried;
    return most / 2 + (Math.random() * most) / 2;
  }

  #rest(waitMs: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.cancel();
        reject(new ProviderError('closed'));
      };
      const timer = this.#clock.after(waitMs, () => {
        signal.removeEventListener('abort', end);
        resolve();
      });
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }
}

async function readBounded(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += (chunk as Buffer).length;
    // Leaving the loop ends the body, and with it the connection.
    if (bytes > ANSWER_BYTES_MAX) throw new ProviderError('too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    // The parser's message quotes the text (PR4).
    if (error instanceof SyntaxError) throw new ProviderError('malformed');
    throw error;
  }
}

function member(value: Json | undefined, name: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject)[name] : undefined;
}
