// Troupe API
//
// Requests to a running server, byte for byte as a test says them, and its answers as they came.
//
// Owns:     connections, deadlines, the shape of an answer.
// Does not: judge an answer, but for the `must…` ones, which fail on another status.

import assert from 'node:assert/strict';
import { Agent as ConnectionPool, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { solveChallenge } from '../../src/client/challenge-solver.js';

export interface Call {
  readonly method?: string;
  /** With its query, escaped as it goes on the wire. */
  readonly path: string;
  /** The bearer token. */
  readonly as?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in the place of `body`; a Content-Type is the test's own then. */
  readonly bytes?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface OpenCall {
  readonly answer: Promise<Answer>;
  /** Ends the connection; `answer` rejects. */
  abort(): void;
}

export interface Operator {
  readonly operator_id: string;
  readonly api_key: string;
}
export interface Challenge {
  readonly challenge_id: string;
  readonly challenge_type: string;
  readonly challenge_data: Readonly<Record<string, unknown>>;
  readonly expires_at: string;
}
export interface Agent {
  readonly agent_address: string;
  readonly agent_token: string;
}
export interface Message {
  readonly message_id: string;
  readonly from: string;
  readonly to: string;
  readonly content: string;
  readonly timestamp: string;
}
export interface Taken {
  readonly messages: readonly Message[];
  readonly remaining: number;
}
export interface Capacity {
  readonly used_bytes: number;
  readonly total_bytes: number;
  readonly key_count: number;
}

/** Longer than the longest wait that a test asks for. */
const ANSWER_TIMEOUT_MS = 20_000;
/** Shorter than either listener keeps an idle connection: none is used that the server is about to close. */
const IDLE_CONNECTION_MS = 3_000;

export class TroupeApi {
  readonly #port: () => number;
  readonly #pool = new ConnectionPool({ keepAlive: true, timeout: IDLE_CONNECTION_MS });

  /** `port` is asked for each request: a server that was started again has another. */
  constructor(port: () => number) {
    this.#port = port;
  }

  /** Ends all connections. */
  close(): void {
    this.#pool.destroy();
  }

  send(call: Call): Promise<Answer> {
    return this.open(call).answer;
  }

  open({ method = 'GET', path, as, body, bytes, headers = {} }: Call): OpenCall {
    const sent = bytes ?? (body === undefined ? undefined : JSON.stringify(body));
    const all: Record<string, string> = { ...headers };
    if (as !== undefined) all.authorization = `Bearer ${as}`;
    if (body !== undefined) all['content-type'] ??= 'application/json';
    if (sent !== undefined) all['content-length'] = String(Buffer.byteLength(sent));
    const out = request({ host: '127.0.0.1', port: this.#port(), method, path, headers: all, agent: this.#pool });
    const answer = new Promise<Answer>((resolve, reject) => {
      const late = () => out.destroy(new Error(`${method} ${path} had no answer within ${ANSWER_TIMEOUT_MS} ms`));
      const deadline = setTimeout(late, ANSWER_TIMEOUT_MS);
      out.on('error', reject);
      out.on('close', () => clearTimeout(deadline));
      out.on('response', (response) => readAnswer(response).then(resolve, reject));
    });
    // Who aborts does not wait for the answer any more.
    answer.catch(() => undefined);
    out.end(sent);
    return { answer, abort: () => out.destroy() };
  }

  /** The body of an answer that must have this status. */
  async must<T>(status: number, call: Call): Promise<T> {
    const answer = await this.send(call);
    assert.equal(answer.status, status, `${call.method ?? 'GET'} ${call.path} was answered ${answer.text}`);
    return JSON.parse(answer.text) as T;
  }

  operator(): Promise<Operator> {
    return this.must(201, { method: 'POST', path: '/v1/operators', body: { contact_hash: 'c0ffee' } });
  }

  challenge(operator: Operator): Promise<Challenge> {
    return this.must(200, { path: '/v1/agents/verification-challenge', as: operator.api_key });
  }

  /** An agent of this operator, or of a new one, through whatever gate there is. */
  async agent(operator?: Operator): Promise<Agent> {
    const owner = operator ?? (await this.operator());
    const { challenge_id, challenge_type, challenge_data } = await this.challenge(owner);
    const verification_response = { challenge_id, response: solveChallenge(challenge_type, challenge_data) };
    return this.must(201, { method: 'POST', path: '/v1/agents', as: owner.api_key, body: { verification_response } });
  }

  /** Sends a message that must be accepted, and gives its id. */
  async message(from: Agent, to: Agent, content: string): Promise<string> {
    const body = { to: to.agent_address, content };
    const sent = await this.must<{ message_id: string }>(202, {
      method: 'POST',
      path: '/v1/messages',
      as: from.agent_token,
      body,
    });
    return sent.message_id;
  }

  /** `query` without its question mark. */
  take(agent: Agent, query = ''): Promise<Taken> {
    return this.must(200, { path: `/v1/messages?${query}`, as: agent.agent_token });
  }

  /** Writes a value, of which only the status and the headers are told. */
  put(agent: Agent, key: string, value: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const path = `/v1/state/${encodeURIComponent(key)}`;
    return this.send({ method: 'PUT', path, as: agent.agent_token, body: { value }, headers });
  }

  get(agent: Agent, key: string): Promise<Answer> {
    return this.send({ path: `/v1/state/${encodeURIComponent(key)}`, as: agent.agent_token });
  }

  capacity(agent: Agent): Promise<Capacity> {
    return this.must(200, { path: '/v1/state/_capacity', as: agent.agent_token });
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}
