// One bad endpoint never delays another's: 1,000 endpoints of which 400 are dead, slow, flapping or redirecting.
//
// Rounds with traffic to the good ones alone and rounds with traffic to all take turns on one server; what is compared is the time
// from the call that sends a message to its push.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ServerProcess } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import { hookedAgent } from '../server/webhook-agents.js';
import { type PushedBody, type Received, WebhookReceiver } from '../server/webhook-receiver.js';

const GOOD = 600;
const BAD_OF_A_KIND = 100;
const KINDS = ['dead', 'slow', 'flapping', 'redirecting'] as const;
/** At least; others follow, up to the other number, while the machine is too busy for the first to agree. */
const PAIRS_MIN = 3;
const PAIRS_MAX = 5;
const GOOD_PER_S = 80;
/** Of the good ones' messages in a round with all. */
const BAD_SHARE = 1 / 3;
const REACH = 1.5;
const DRAIN_MS = 20_000;
/** Nobody who is good comes near it, also where this machine is slow. */
const TIMEOUT_MS = 5_000;
const SLOW_MS = 6_000;
const SLICE_MS = 20;
const AT_ONCE = 10;
/** Nothing listens there. */
const DEAD_PORT = 9;

class Field {
  readonly api: TroupeApi;
  readonly receiver: WebhookReceiver;
  good: Agent[] = [];
  bad: Agent[] = [];
  senders: Agent[] = [];
  /** By content, which is unique: when it was sent, and how long until its push. */
  readonly #sentAt = new Map<string, number>();
  readonly #took = new Map<string, number>();
  readonly #numbers = new Map<string, number>();

  constructor(api: TroupeApi, receiver: WebhookReceiver) {
    this.api = api;
    this.receiver = receiver;
  }

  seen({ text }: Received): void {
    const { content } = JSON.parse(text) as PushedBody;
    const sentAt = this.#sentAt.get(content);
    if (sentAt !== undefined && !this.#took.has(content)) this.#took.set(content, performance.now() - sentAt);
  }

  async register(): Promise<void> {
    const { api, receiver } = this;
    const operator = await api.operator();
    this.senders = await Promise.all([0, 1, 2, 3].map(() => api.agent(operator)));
    const urls = Array.from({ length: GOOD }, () => receiver.url('/good'));
    for (const kind of KINDS) {
      const url = kind === 'dead' ? `http://127.0.0.1:${DEAD_PORT}/` : receiver.url(`/${kind}`);
      urls.push(...Array.from({ length: BAD_OF_A_KIND }, () => url));
    }
    const agents: Agent[] = [];
    for (let at = 0; at < urls.length; at += AT_ONCE) {
      const some = urls.slice(at, at + AT_ONCE).map((url) => hookedAgent(api, operator, url));
      agents.push(...(await Promise.all(some)));
    }
    this.good = agents.slice(0, GOOD);
    this.bad = agents.slice(GOOD);
  }

  /** One message to each good endpoint, and to some of the bad ones; resolves when all of the good ones' were pushed. */
  async round(name: string, withBad: boolean): Promise<number[]> {
    const bad = withBad
      ? Array.from({ length: GOOD * BAD_SHARE }, () => this.bad[Math.floor(Math.random() * this.bad.length)]!)
      : [];
    const sending: Promise<unknown>[] = [];
    const contents: string[] = [];
    const begun = performance.now();
    for (const [index, to] of this.good.entries()) {
      while (index > ((performance.now() - begun) / 1000) * GOOD_PER_S) await pause(SLICE_MS);
      contents.push(this.#send(sending, to, name, index));
      const others = bad.slice(Math.floor((index * bad.length) / GOOD), Math.floor(((index + 1) * bad.length) / GOOD));
      for (const other of others) this.#send(sending, other, `${name} bad`, index);
    }
    await Promise.all(sending);
    const deadline = performance.now() + DRAIN_MS;
    const missing = () => contents.filter((content) => !this.#took.has(content)).length;
    while (missing() > 0 && performance.now() < deadline) await pause(SLICE_MS);
    assert.equal(missing(), 0, `${name}: messages to good endpoints were not pushed`);
    return contents.map((content) => this.#took.get(content)!);
  }

  #send(sending: Promise<unknown>[], to: Agent, name: string, index: number): string {
    const sender = this.senders[index % this.senders.length]!;
    const lane = `${sender.agent_address} ${to.agent_address}`;
    const number = (this.#numbers.get(lane) ?? 0) + 1;
    this.#numbers.set(lane, number);
    const content = `${name} ${index} ${to.agent_address} ${number}`;
    this.#sentAt.set(content, performance.now());
    sending.push(this.api.message(sender, to, content));
    return content;
  }

  /** Every message to a good endpoint came once, and those of a sender in their order. */
  checkGood(rounds: number): void {
    const newest = new Map<string, number>();
    const seen = new Set<string>();
    for (const { from, to, content, message_id: id } of this.receiver.bodies('/good')) {
      assert.ok(!seen.has(id), `${content} came twice`);
      seen.add(id);
      const lane = `${from} ${to}`;
      const number = Number(content.split(' ').at(-1));
      assert.ok(number > (newest.get(lane) ?? 0), `${content} came after ${newest.get(lane)}`);
      newest.set(lane, number);
    }
    assert.equal(seen.size, GOOD * rounds);
  }
}

function p99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)]!;
}

test(`${GOOD} good endpoints are served as if the ${KINDS.length * BAD_OF_A_KIND} bad ones were not there`, async () => {
  const server = await ServerProcess.start({
    workers: 1,
    'webhooks.allow_private': 'true',
    'webhooks.timeout_ms': TIMEOUT_MS,
    'webhooks.retry_after_ms': 100,
    'webhooks.circuit_open_ms': 5_000,
  });
  let flaps = 0;
  const receiver = await WebhookReceiver.start();
  const field = new Field(new TroupeApi(() => server.port), receiver);
  receiver.behaviour = (received) => {
    field.seen(received);
    switch (received.path) {
      case '/slow':
        return (response) => void setTimeout(() => response.writeHead(200).end(), SLOW_MS);
      case '/flapping':
        return ++flaps % 2 === 0 ? 200 : 503;
      case '/redirecting':
        return (response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
      default:
        return 200;
    }
  };
  try {
    await field.register();
    // The first push to an endpoint proves it.
    await field.round('warm', false);
    const ratios: number[] = [];
    const median = (): number => [...ratios].sort((a, b) => a - b)[Math.floor(ratios.length / 2)]!;
    while (ratios.length < PAIRS_MIN || (ratios.length < PAIRS_MAX && median() > REACH)) {
      const pair = ratios.length;
      const alone = p99(await field.round(`alone ${pair}`, false));
      const among = p99(await field.round(`among ${pair}`, true));
      console.log(`p99 with good ones only ${alone.toFixed(1)} ms, among bad ones ${among.toFixed(1)} ms`);
      ratios.push(among / alone);
    }
    field.checkGood(1 + 2 * ratios.length);
    assert.ok(median() <= REACH, `p99 is ${median().toFixed(2)} times as long among bad endpoints`);
  } finally {
    field.api.close();
    await server.dispose();
    await receiver.close();
  }
});
