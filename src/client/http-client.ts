// HTTP client
//
// Every call of the HTTP API, by whose token it needs. Answers are as they come over the wire.

import type {
  AgentRegistered,
  AgentRetired,
  Challenge,
  OperatorCreated,
  RegisterAgent,
  TokenRotated,
} from '../contract/operator.js';
import type { Agent, AgentPage } from '../contract/registry.js';
import type { ContentRemoved, RemoveContent } from '../contract/removal.js';
import type { Static } from '../contract/schema.js';
import type { CeilingList, Health, Status, WorkerReplaced } from '../contract/server.js';
import { AgentCalls, type HttpPageOptions } from './http-agent.js';
import { HttpCaller, type HttpOptions, type KeyedOptions } from './http-call.js';
import type { CallOptions } from './retrying.js';

export class HttpClient {
  readonly #server: string | URL;
  readonly #options: HttpOptions;
  readonly #caller: HttpCaller;

  constructor(server: string | URL, options: HttpOptions = {}) {
    this.#server = server;
    this.#options = options;
    this.#caller = new HttpCaller(server, undefined, options);
  }

  health(options: CallOptions = {}): Promise<Static<typeof Health>> {
    return this.#caller.body({ method: 'GET', path: '/v1/health', repeats: 'read' }, options);
  }

  openapi(options: CallOptions = {}): Promise<Readonly<Record<string, unknown>>> {
    return this.#caller.body({ method: 'GET', path: '/openapi.json', repeats: 'read' }, options);
  }

  createOperator(contactHash: string, options: KeyedOptions = {}): Promise<OperatorCreated> {
    const body = { contact_hash: contactHash };
    return this.#caller.body({ method: 'POST', path: '/v1/operators', body, repeats: 'keyed' }, options);
  }

  operator(apiKey: string): OperatorCalls {
    return new OperatorCalls(new HttpCaller(this.#server, apiKey, this.#options));
  }

  agent(token: string): AgentCalls {
    return new AgentCalls(new HttpCaller(this.#server, token, this.#options));
  }

  admin(token: string): AdminCalls {
    return new AdminCalls(new HttpCaller(this.#server, token, this.#options));
  }
}

export class OperatorCalls {
  readonly #caller: HttpCaller;

  constructor(caller: HttpCaller) {
    this.#caller = caller;
  }

  challenge(options: CallOptions = {}): Promise<Challenge> {
    return this.#caller.body({ method: 'GET', path: '/v1/agents/verification-challenge', repeats: 'read' }, options);
  }

  /** `response` answers the challenge; `solveChallenge` of the Node build makes it. */
  registerAgent(challengeId: string, response: string, options: KeyedOptions = {}): Promise<AgentRegistered> {
    const body: RegisterAgent = { verification_response: { challenge_id: challengeId, response } };
    return this.#caller.body({ method: 'POST', path: '/v1/agents', body, repeats: 'keyed' }, options);
  }

  listAgents(options: HttpPageOptions = {}): Promise<AgentPage> {
    const { cursor, limit } = options;
    return this.#caller.body({ method: 'GET', path: '/v1/agents', query: { cursor, limit }, repeats: 'read' }, options);
  }

  retireAgent(address: string, options: CallOptions = {}): Promise<AgentRetired> {
    return this.#caller.body({ method: 'DELETE', path: agentPath(address), repeats: 'once' }, options);
  }

  rotateToken(address: string, options: KeyedOptions = {}): Promise<Static<typeof TokenRotated>> {
    const path = `${agentPath(address)}/rotate-token`;
    return this.#caller.body({ method: 'POST', path, body: {}, repeats: 'keyed' }, options);
  }

  setWebhook(address: string, webhookUrl: string | null, options: KeyedOptions = {}): Promise<Agent> {
    const request = { method: 'PUT', path: `${agentPath(address)}/webhook`, repeats: 'keyed' } as const;
    return this.#caller.body({ ...request, body: { webhook_url: webhookUrl } }, options);
  }
}

export class AdminCalls {
  readonly #caller: HttpCaller;

  constructor(caller: HttpCaller) {
    this.#caller = caller;
  }

  status(options: CallOptions = {}): Promise<Static<typeof Status>> {
    return this.#caller.body({ method: 'GET', path: '/admin/status', repeats: 'read' }, options);
  }

  /** How near each part of the server is to what it can bear. */
  ceilings(options: CallOptions = {}): Promise<CeilingList> {
    return this.#caller.body({ method: 'GET', path: '/admin/ceilings', repeats: 'read' }, options);
  }

  /** Removes the content of a message, or the values of a key; the same once more answers the same. May take a while. */
  removeContent(removal: RemoveContent, options: KeyedOptions = {}): Promise<ContentRemoved> {
    return this.#caller.body({ method: 'POST', path: '/admin/removals', body: removal, repeats: 'keyed' }, options);
  }

  replaceWorker(worker: number, options: KeyedOptions = {}): Promise<Static<typeof WorkerReplaced>> {
    const path = `/admin/workers/${worker}/replace`;
    return this.#caller.body({ method: 'POST', path, body: {}, repeats: 'keyed' }, options);
  }
}

function agentPath(address: string): string {
  return `/v1/agents/${encodeURIComponent(address)}`;
}
