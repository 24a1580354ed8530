// Troupe API
//
// The few calls of the kernel API that this example makes, over plain fetch. A client that wants to lose nothing needs
// one rule: when no answer came, or 429 or 503, ask again with the same Idempotency-Key.

export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly etag: string | null;
}

/** `lost`: no answer came, so nobody knows what happened. */
export type Outcome = { readonly kind: 'reply'; readonly reply: Reply } | { readonly kind: 'lost' };

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Identity {
  readonly address: string;
  readonly token: string;
}

/** An answer later than this is a fault of the server, not of the network: the run ends. */
const ANSWER_TIMEOUT_MS = 30_000;
const RETRY_DELAY_MS = 15;

export class TroupeApi {
  readonly #baseUrl: string;

  /** `baseUrl` without a path, as in `http://127.0.0.1:8080`. */
  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  /** One attempt. Throws only when the server holds the request longer than ANSWER_TIMEOUT_MS. */
  async attempt(call: Call): Promise<Outcome> {
    const headers: Record<string, string> = { ...call.headers };
    if (call.token !== undefined) headers.authorization = `Bearer ${call.token}`;
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    try {
      const response = await fetch(this.#baseUrl + call.path, {
        method: call.method,
        headers,
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      });
      const body = (await response.json()) as Record<string, unknown>;
      return { kind: 'reply', reply: { status: response.status, body, etag: response.headers.get('etag') } };
    } catch (error) {
      if (error instanceof Error && error.name === 'TimeoutError') {
        throw new Error(`${call.method} ${call.path} had no answer within ${ANSWER_TIMEOUT_MS} ms`, { cause: error });
      }
      return { kind: 'lost' };
    }
  }

  /** Attempts until there is an answer other than 429 or 503; with `givesUp`, a first attempt without one is `lost`. */
  async insist(call: Call, givesUp = false): Promise<Outcome> {
    for (;;) {
      const outcome = await this.attempt(call);
      if (outcome.kind === 'reply' && outcome.reply.status !== 429 && outcome.reply.status !== 503) return outcome;
      if (givesUp) return { kind: 'lost' };
      await pause(RETRY_DELAY_MS);
    }
  }

  /** As insist, for a call that must come out with the given status; throws when it comes out with another. */
  async must(call: Call, status: number): Promise<Reply> {
    const outcome = await this.insist(call);
    if (outcome.kind === 'reply' && outcome.reply.status === status) return outcome.reply;
    const said = outcome.kind === 'reply' ? `${outcome.reply.status} ${JSON.stringify(outcome.reply.body)}` : 'nothing';
    throw new Error(`${call.method} ${call.path} was answered ${said}, not ${status}`);
  }

  /** Registers one operator and `count` agents, with a webhook if one is named. Needs `verification.gate` none. */
  async register(count: number, webhookUrl: string | null = null): Promise<Identity[]> {
    const contact = { contact_hash: 'a'.repeat(64) };
    const operator = await this.must({ method: 'POST', path: '/v1/operators', body: contact }, 201);
    const token = String(operator.body.api_key);
    const identities: Identity[] = [];
    for (let i = 0; i < count; i++) {
      const challenge = await this.must({ method: 'GET', path: '/v1/agents/verification-challenge', token }, 200);
      const verification = { challenge_id: challenge.body.challenge_id, response: 'any' };
      const body = { verification_response: verification, webhook_url: webhookUrl };
      const agent = await this.must({ method: 'POST', path: '/v1/agents', token, body }, 201);
      identities.push({ address: String(agent.body.agent_address), token: String(agent.body.agent_token) });
    }
    return identities;
  }
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
