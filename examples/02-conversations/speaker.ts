// Speaker
//
// One agent of the play: it says its lines to others, listens, takes notes, and adds to a shared number, all at once,
// whatever happens to the server meanwhile.
//
// Owns:     what this agent did and saw (an Observation).
// Does not: judge it (checker.ts), or know when the server dies (play.ts).
//
// P1. One message per recipient, one write and one addition are under way at a time: the next begins when the outcome
//     of the last is known, or given up.
// P2. A POST or PUT without an answer is repeated with the same Idempotency-Key; a few are given up instead, and
//     recorded as unknown.
// P3. After finish(), nothing new is said or written; what was under way is settled first.

import { randomUUID } from 'node:crypto';
import {
  type Additions,
  type Arrival,
  CORRUPT,
  type InboxEvent,
  machineTimeMs,
  type Observation,
  READ_LIMIT,
  type Read,
  readStamp,
  type Sent,
  stamp,
  type Write,
} from './observation.js';
import { type Random, seededRandom } from './random.js';
import { type Identity, pause, type Reply, type TroupeApi } from './troupe-api.js';

export interface Lane {
  readonly to: string;
  /** Said in this order, from the start again when they end. */
  readonly lines: readonly string[];
}

export interface Role {
  readonly identity: Identity;
  readonly lanes: readonly Lane[];
  /** Written by this agent alone. */
  readonly ownKeys: readonly string[];
  /** Written by several. */
  readonly sharedKey: string;
  readonly sharedNumber: string;
  readonly inbox: 'consume' | 'lease';
  readonly seed: number;
}

const THINK_MS_MAX = 12;
const LEASE_S = 1;
/** How long an inbox must stay empty before a lease given to nobody can be ruled out. */
const LEASES_OVER_MS = LEASE_S * 1000 + 500;
/** One loss in this many is given up instead of repeated. */
const GIVE_UP_ONE_IN = 20;
const DELETE_ONE_IN = 8;

export class Speaker {
  readonly #role: Role;
  readonly #api: TroupeApi;
  readonly #random: Random;
  readonly #sent: Sent[] = [];
  readonly #inbox: InboxEvent[] = [];
  readonly #writes: Write[] = [];
  readonly #reads: Read[] = [];
  #additions: Additions;
  #finishing = false;
  #draining = false;
  #quietSince = 0;
  #speaking: Promise<unknown> = Promise.resolve();
  #listening: Promise<void> = Promise.resolve();

  constructor(role: Role, api: TroupeApi) {
    this.#role = role;
    this.#api = api;
    this.#random = seededRandom(role.seed);
    this.#additions = { key: role.sharedNumber, acknowledged: 0, unknown: 0 };
  }

  start(): void {
    const lanes = this.#role.lanes.map((lane) => this.#say(lane));
    this.#speaking = Promise.all([...lanes, this.#takeNotes(), this.#add()]);
    if (this.#role.inbox === 'lease') this.#listening = this.#listen();
  }

  /** Resolves when everything under way is settled (P3). Rejects when the server broke the contract. */
  async finish(): Promise<void> {
    this.#finishing = true;
    await this.#speaking;
  }

  /** Empties the inbox. To be called when no sender is left and the server is no longer killed. */
  async drain(): Promise<Observation> {
    this.#draining = true;
    await this.#listening;
    if (this.#role.inbox === 'consume') await this.#consumeAll();
    return {
      sent: this.#sent,
      inboxes: [{ agent: this.#role.identity.address, mode: this.#role.inbox, events: this.#inbox }],
      writes: this.#writes,
      reads: this.#reads,
      additions: [this.#additions],
    };
  }

  async #say(lane: Lane): Promise<void> {
    const { address: from, token } = this.#role.identity;
    for (let place = 0; !this.#finishing; place++) {
      const content = stamp(String(place), lane.lines[place % lane.lines.length]!);
      const headers = { 'idempotency-key': randomUUID() };
      const call = { method: 'POST', path: '/v1/messages', token, headers, body: { to: lane.to, content } } as const;
      const reply = await this.#insist(call, [202]);
      this.#sent.push({ from, to: lane.to, place, messageId: reply === null ? null : String(reply.body.message_id) });
      await this.#think();
    }
  }

  async #takeNotes(): Promise<void> {
    const { ownKeys, sharedKey, lanes } = this.#role;
    for (let count = 0; !this.#finishing; count++) {
      const own = ownKeys[count % ownKeys.length]!;
      const key = this.#random.between(0, 3) === 0 ? sharedKey : own;
      const lines = lanes[0]!.lines;
      if (this.#random.between(1, DELETE_ONE_IN) === 1) await this.#delete(key);
      else await this.#put(key, lines[count % lines.length]!);
      if (this.#random.between(0, 3) === 0) await this.#read(own);
      await this.#think();
    }
  }

  async #put(key: string, text: string): Promise<void> {
    const { token } = this.#role.identity;
    const id = randomUUID();
    const headers = { 'idempotency-key': id };
    const call = { method: 'PUT', path: statePath(key), token, headers, body: { value: stamp(id, text) } } as const;
    const startedAt = machineTimeMs();
    const reply = await this.#insist(call, [200]);
    this.#writes.push({ key, value: id, startedAt, endedAt: machineTimeMs(), acknowledged: reply !== null });
  }

  /** A DELETE takes no key of idempotency and needs none: repeated, it finds nothing, and that is as good. */
  async #delete(key: string): Promise<void> {
    const startedAt = machineTimeMs();
    const call = { method: 'DELETE', path: statePath(key), token: this.#role.identity.token } as const;
    const reply = await this.#insist(call, [200, 404]);
    this.#writes.push({ key, value: null, startedAt, endedAt: machineTimeMs(), acknowledged: reply !== null });
  }

  async #read(key: string): Promise<void> {
    const startedAt = machineTimeMs();
    const call = { method: 'GET', path: statePath(key), token: this.#role.identity.token } as const;
    const reply = await this.#insist(call, [200, 404]);
    if (reply === null) return;
    const value = reply.status === 404 ? null : (readStamp(String(reply.body.value)) ?? CORRUPT);
    this.#reads.push({ key, value, startedAt, endedAt: machineTimeMs() });
  }

  /** Adds one to the shared number, again and again, by compare-and-set: no addition may be lost or made twice. */
  async #add(): Promise<void> {
    const { token } = this.#role.identity;
    const path = statePath(this.#role.sharedNumber);
    while (!this.#finishing) {
      const current = await this.#insist({ method: 'GET', path, token }, [200, 404]);
      if (current === null) continue;
      const condition: Record<string, string> =
        current.status === 404 ? { 'if-none-match': '*' } : { 'if-match': current.etag ?? 'missing' };
      const value = String(current.status === 404 ? 1 : Number(current.body.value) + 1);
      const headers = { 'idempotency-key': randomUUID(), ...condition };
      const reply = await this.#insist({ method: 'PUT', path, token, headers, body: { value } }, [200, 409]);
      const { acknowledged, unknown } = this.#additions;
      if (reply === null) this.#additions = { ...this.#additions, unknown: unknown + 1 };
      else if (reply.status === 200) this.#additions = { ...this.#additions, acknowledged: acknowledged + 1 };
      await this.#think();
    }
  }

  /** Reads by lease until told to drain, and then until nothing can be out on a lease any more. */
  async #listen(): Promise<void> {
    const { token } = this.#role.identity;
    for (;;) {
      const wait = this.#draining ? 0 : 1;
      const path = `/v1/messages?mode=lease&lease_s=${LEASE_S}&limit=${READ_LIMIT}&wait=${wait}`;
      const outcome = await this.#api.attempt({ method: 'GET', path, token });
      if (outcome.kind === 'lost' || outcome.reply.status === 503) {
        this.#inbox.push({ kind: 'lost' });
        this.#quietSince = machineTimeMs();
        await pause(THINK_MS_MAX);
        continue;
      }
      expectStatus(path, outcome.reply, [200]);
      const ids = this.#arrived(outcome.reply);
      if (ids.length > 0) await this.#acknowledge(ids);
      else if (this.#draining && machineTimeMs() - this.#quietSince > LEASES_OVER_MS) return;
      else await pause(THINK_MS_MAX);
    }
  }

  async #acknowledge(ids: readonly string[]): Promise<void> {
    const { token } = this.#role.identity;
    const headers = { 'idempotency-key': randomUUID() };
    const call = { method: 'POST', path: '/v1/messages/ack', token, headers, body: { message_ids: ids } } as const;
    const reply = await this.#insist(call, [200], true);
    const unknown = new Set((reply?.body.unknown as string[] | undefined) ?? []);
    this.#inbox.push({ kind: 'acked', messageIds: ids.filter((id) => !unknown.has(id)) });
    this.#quietSince = machineTimeMs();
  }

  async #consumeAll(): Promise<void> {
    const path = `/v1/messages?limit=${READ_LIMIT}`;
    for (;;) {
      const outcome = await this.#api.attempt({ method: 'GET', path, token: this.#role.identity.token });
      if (outcome.kind === 'lost') throw new Error('A plain read had no answer although nobody killed the server');
      expectStatus(path, outcome.reply, [200]);
      if (this.#arrived(outcome.reply).length === 0) return;
    }
  }

  #arrived(reply: Reply): string[] {
    const messages = reply.body.messages as { message_id: string; from: string; to: string; content: string }[];
    const arrivals = messages.map(({ message_id: messageId, from, to, content }): Arrival => {
      const id = readStamp(content);
      return { from, to, messageId, place: Number.parseInt(content, 10), intact: id !== null };
    });
    if (arrivals.length > 0) this.#inbox.push({ kind: 'arrived', messages: arrivals });
    return arrivals.map((arrival) => arrival.messageId);
  }

  /** The answer, of one of the statuses allowed; null when the outcome was given up as unknown (P2). */
  async #insist(
    call: Parameters<TroupeApi['insist']>[0],
    allowed: readonly number[],
    always = false,
  ): Promise<Reply | null> {
    const givesUp = !always && this.#random.between(1, GIVE_UP_ONE_IN) === 1;
    const outcome = await this.#api.insist(call, givesUp);
    if (outcome.kind === 'lost') return null;
    expectStatus(`${call.method} ${call.path}`, outcome.reply, allowed);
    return outcome.reply;
  }

  async #think(): Promise<void> {
    await pause(this.#random.between(0, THINK_MS_MAX));
  }
}

function statePath(key: string): string {
  return `/v1/state/${encodeURIComponent(key)}`;
}

function expectStatus(what: string, reply: Reply, allowed: readonly number[]): void {
  if (allowed.includes(reply.status)) return;
  throw new Error(`${what} was answered ${reply.status} ${JSON.stringify(reply.body)}, not ${allowed.join(' or ')}`);
}
