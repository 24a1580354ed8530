// HTTP agent
//
// What an agent may call over HTTP. Answers are as they come over the wire.

import type {
  BatchSent,
  MessageSent,
  MessagesAcked,
  MessagesTaken,
  SendMessage,
  TakeQuery,
} from '../contract/message.js';
import type { Agent, AgentPage } from '../contract/registry.js';
import type { Static } from '../contract/schema.js';
import type { Capacity, StateDeleted, StateKeys, StateValue, StateWritten } from '../contract/state.js';
import type { HttpCaller, KeyedOptions } from './http-call.js';
import type { CallOptions } from './retrying.js';
import { TroupeError } from './troupe-error.js';

export interface HttpPageOptions extends CallOptions {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

export type TakeOptions = CallOptions & Readonly<Static<typeof TakeQuery>>;

/** Etags are without the quotes that HTTP puts around them. */
export interface HttpPutOptions extends KeyedOptions {
  readonly ifMatch?: string | undefined;
  readonly ifAbsent?: boolean | undefined;
}

export interface HttpDeleteOptions extends CallOptions {
  readonly ifMatch?: string | undefined;
}

interface WithEtag {
  readonly etag: string;
}

export class AgentCalls {
  readonly #caller: HttpCaller;

  constructor(caller: HttpCaller) {
    this.#caller = caller;
  }

  me(options: CallOptions = {}): Promise<Agent> {
    return this.#caller.body({ method: 'GET', path: '/v1/agents/me', repeats: 'read' }, options);
  }

  registry(options: HttpPageOptions = {}): Promise<AgentPage> {
    const { cursor, limit } = options;
    return this.#caller.body(
      { method: 'GET', path: '/v1/registry', query: { cursor, limit }, repeats: 'read' },
      options,
    );
  }

  sendMessage(to: string, content: string, options: KeyedOptions = {}): Promise<MessageSent> {
    const body: SendMessage = { to, content };
    return this.#caller.body({ method: 'POST', path: '/v1/messages', body, repeats: 'keyed' }, options);
  }

  /** 1 to 100 messages, each with its own result, which may be a refusal. */
  sendBatch(messages: readonly SendMessage[], options: KeyedOptions = {}): Promise<BatchSent> {
    const request = { method: 'POST', path: '/v1/messages/batch', body: { messages }, repeats: 'keyed' } as const;
    return this.#caller.body(request, options);
  }

  /** Consumed when returned: a lost answer is lost, and so not asked for again. With `mode: 'lease'` it comes back. */
  takeMessages(options: TakeOptions = {}): Promise<MessagesTaken> {
    const { limit, mode, lease_s, wait } = options;
    const repeats = mode === 'lease' ? 'read' : 'once';
    const query = { limit, mode, lease_s, wait };
    return this.#caller.body({ method: 'GET', path: '/v1/messages', query, repeats }, options);
  }

  ackMessages(messageIds: readonly string[], options: KeyedOptions = {}): Promise<MessagesAcked> {
    const body = { message_ids: messageIds };
    return this.#caller.body({ method: 'POST', path: '/v1/messages/ack', body, repeats: 'keyed' }, options);
  }

  async getState(key: string, options: CallOptions = {}): Promise<StateValue & WithEtag> {
    const request = { method: 'GET', path: statePath(key), repeats: 'read' } as const;
    const { body, headers } = await this.#caller.call<StateValue>(request, options);
    return { ...body, etag: unquoted(headers.get('ETag')) };
  }

  async putState(key: string, value: string, options: HttpPutOptions = {}): Promise<StateWritten & WithEtag> {
    const headers = {
      ...(options.ifMatch === undefined ? {} : { 'If-Match': quoted(options.ifMatch) }),
      ...(options.ifAbsent ? { 'If-None-Match': '*' } : {}),
    };
    const request = { method: 'PUT', path: statePath(key), body: { value }, headers, repeats: 'keyed' } as const;
    const answer = await this.#caller.call<StateWritten>(request, options);
    return { ...answer.body, etag: unquoted(answer.headers.get('ETag')) };
  }

  deleteState(key: string, options: HttpDeleteOptions = {}): Promise<StateDeleted> {
    const headers = options.ifMatch === undefined ? {} : { 'If-Match': quoted(options.ifMatch) };
    return this.#caller.body({ method: 'DELETE', path: statePath(key), headers, repeats: 'once' }, options);
  }

  listState(prefix = '', options: HttpPageOptions = {}): Promise<StateKeys> {
    const { cursor, limit } = options;
    const query = { prefix, cursor, limit };
    return this.#caller.body({ method: 'GET', path: '/v1/state', query, repeats: 'read' }, options);
  }

  capacity(options: CallOptions = {}): Promise<Capacity> {
    return this.#caller.body({ method: 'GET', path: '/v1/state/_capacity', repeats: 'read' }, options);
  }
}

function statePath(key: string): string {
  // Every URL parser takes these, escaped or not, for a way up the path.
  if (key === '.' || key === '..') {
    throw new TroupeError('bad_request', `The key ${key} cannot be asked for over HTTP; a session can.`);
  }
  return `/v1/state/${encodeURIComponent(key)}`;
}

function quoted(etag: string): string {
  return etag === '*' ? etag : `"${etag}"`;
}

function unquoted(etag: string | null): string {
  return (etag ?? '').replace(/^"|"$/g, '');
}
