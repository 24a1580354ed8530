// Webhook chaos
//
// A real server with webhooks, killed again and again while messages are sent; receivers that answer well, badly, late or
// never; and a reader that pulls what was given up.
//
// Owns:     the server, the receiver, the senders.
// Does not: judge (webhook-ledger.ts).

import { setTimeout as pause } from 'node:timers/promises';
import { ServerProcess } from '../server/server-process.js';
import { type Operator, TroupeApi } from '../server/troupe-api.js';
import { type HookedAgent, hookedAgent } from '../server/webhook-agents.js';
import { type Behaviour, type PushedBody, WebhookReceiver } from '../server/webhook-receiver.js';
import { type WebhookFinding, WebhookLedger } from './webhook-ledger.js';

export interface ChaosOptions {
  readonly seed: number;
  readonly kills: number;
  readonly messagesPerSender: number;
  readonly mainFile?: string;
  /** Until what is still open counts as lost. */
  readonly drainMs: number;
}

export interface ChaosResult {
  readonly findings: readonly WebhookFinding[];
  readonly sent: number;
  readonly pushed: number;
  readonly pulled: number;
}

const AGENTS = 5;
const SENDERS = 3;
const EVENTS_PER_PAGE = 1_000;
const AGAIN_MS = 20;
const REFUSED_SHARE = 0.05;
const LIFE_MS = 400;
/** More than any run has. */
const MESSAGES_PER_LIFE = 40;

const SETTINGS = {
  workers: 2,
  'webhooks.allow_private': 'true',
  'webhooks.retry_after_ms': 15,
  'webhooks.retries': 2,
  'webhooks.timeout_ms': 250,
  'webhooks.circuit_open_ms': 200,
  'observe.requests_per_min': 0,
} as const;

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class ChaosRun {
  readonly ledger = new WebhookLedger();
  readonly #options: ChaosOptions;
  readonly #random: () => number;
  #server!: ServerProcess;
  #api!: TroupeApi;
  #receiver!: WebhookReceiver;
  #agents: HookedAgent[] = [];
  #cursor = 0;
  /** Messages that the receiver takes never. */
  readonly #refused = new Set<string>();
  readonly #known = new Set<string>();
  #isOver = false;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#random = randomFrom(options.seed);
  }

  async run(): Promise<ChaosResult> {
    const { kills, mainFile, drainMs } = this.#options;
    this.#receiver = await WebhookReceiver.start(this.#behaviour());
    this.#server = await ServerProcess.start(SETTINGS, [], {}, ...(mainFile === undefined ? [] : [mainFile]));
    this.#api = new TroupeApi(() => this.#server.port);
    try {
      const operator = await this.#api.operator();
      this.#agents = await Promise.all(
        Array.from({ length: AGENTS }, () => hookedAgent(this.#api, operator, this.#receiver.url())),
      );
      const watching = this.#watch();
      const pulling = this.#pull();
      const sending = this.#sendAll(operator);
      for (let kill = 0; kill < kills; kill++) {
        const until = Math.min(this.ledger.sentCount + MESSAGES_PER_LIFE, this.#total);
        const deadline = performance.now() + drainMs;
        while (this.ledger.sentCount < until && performance.now() < deadline) await pause(AGAIN_MS);
        await pause(LIFE_MS * this.#random());
        await this.#server.kill();
        await this.#server.startAgain();
      }
      await sending;
      const deadline = performance.now() + drainMs;
      while (this.ledger.open > 0 && performance.now() < deadline) await pause(AGAIN_MS);
      // What was delivered must not come again.
      await pause(LIFE_MS);
      this.#isOver = true;
      await Promise.all([watching, pulling]);
    } finally {
      this.#isOver = true;
      this.#api.close();
      await this.#server.dispose();
      await this.#receiver.close();
    }
    const { ledger } = this;
    const [pushed, pulled] = [ledger.countOf('push'), ledger.countOf('pull')];
    return { findings: ledger.findings(), sent: ledger.sentCount, pushed, pulled };
  }

  get #total(): number {
    return SENDERS * AGENTS * this.#options.messagesPerSender;
  }

  #behaviour(): Behaviour {
    return ({ text }) => {
      const { message_id: id } = JSON.parse(text) as PushedBody;
      this.ledger.came(id);
      if (!this.#known.has(id) && this.#random() < REFUSED_SHARE) this.#refused.add(id);
      this.#known.add(id);
      if (this.#refused.has(id)) return 410;
      const chance = this.#random();
      if (chance < 0.03) return undefined;
      if (chance < 0.15) return 500;
      return (response) => {
        const answer = (): void => {
          // Before it leaves: the server may have it before this process runs again.
          this.ledger.taken(id);
          response.writeHead(200).end();
        };
        if (chance < 0.6) answer();
        else setTimeout(answer, 40 * this.#random());
      };
    };
  }

  async #sendAll(operator: Operator): Promise<void> {
    const senders = await Promise.all(Array.from({ length: SENDERS }, () => this.#api.agent(operator)));
    const pairs = senders.flatMap((from) => this.#agents.map((to) => ({ from, to })));
    await Promise.all(
      pairs.map(async ({ from, to }) => {
        for (let number = 0; number < this.#options.messagesPerSender; number++) {
          const body = { to: to.agent_address, content: `number ${number}` };
          const headers = { 'idempotency-key': `${to.agent_address} ${number}`.replace(' ', '-') };
          const call = { method: 'POST', path: '/v1/messages', as: from.agent_token, body, headers };
          const { message_id: id } = await this.#surely(() => this.#api.must<{ message_id: string }>(202, call));
          this.ledger.sent({ id, from: from.agent_address, to: to.agent_address, number });
        }
      }),
    );
  }

  /** Pulls what was given up, with leases, so that no answer which is lost takes something with it. */
  async #pull(): Promise<void> {
    while (!this.#isOver) {
      for (const agent of this.#agents) {
        const { messages } = await this.#surely(() => this.#api.take(agent, 'mode=lease&lease_s=5'));
        if (messages.length === 0) continue;
        const ids = messages.map(({ message_id }) => message_id);
        for (const id of ids) this.ledger.pulled(id);
        const body = { message_ids: ids };
        const call = { method: 'POST', path: '/v1/messages/ack', as: agent.agent_token, body };
        await this.#surely(() => this.#api.must(200, call));
      }
      await pause(AGAIN_MS);
    }
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      const path = `/observe/events?type=message_delivered&since=${this.#cursor}&limit=${EVENTS_PER_PAGE}`;
      type Page = { events: { seq: number; data: Record<string, string> }[]; next_cursor: number | string | null };
      const { events } = await this.#surely(() => this.#api.must<Page>(200, { path }));
      for (const { seq, data } of events) {
        this.ledger.delivered({ seq, id: data.message_id!, method: data.delivery_method! });
        this.#cursor = seq;
      }
      await pause(AGAIN_MS);
    }
  }

  /** Again until it is answered: servers die here. */
  async #surely<T>(call: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (this.#isOver || performance.now() > deadline) throw error;
        await pause(AGAIN_MS);
      }
    }
  }
}

export function runWebhookChaos(options: ChaosOptions): Promise<ChaosResult> {
  return new ChaosRun(options).run();
}
