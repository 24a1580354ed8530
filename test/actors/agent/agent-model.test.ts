import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { InboxBounds } from '../../../src/actors/agent/delivering.js';
import type { HeadRow, InboxRow, LeaseRow } from '../../../src/actors/agent/inbox.js';
import type { AgentMessages, TakeMode } from '../../../src/actors/agent/protocol.js';
import type { OpenAsk, World } from '../turn-double.js';
import { type AgentDouble, CONSUME, eventTypes, idsOf, newAgent } from './agent-fixture.js';

type Command =
  | { readonly kind: 'deliver'; readonly size: number }
  | { readonly kind: 'take'; readonly limit: number; readonly leaseMs: number | null; readonly waitMs: number }
  | { readonly kind: 'ack'; readonly picks: readonly number[] }
  | { readonly kind: 'cancel'; readonly pick: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'kill' }
  | { readonly kind: 'retire' };

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 60, arbitrary: fc.record({ kind: fc.constant('deliver' as const), size: fc.nat(12) }) },
  {
    weight: 50,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      limit: fc.integer({ min: 1, max: 4 }),
      leaseMs: fc.constantFrom(null, 10, 25),
      waitMs: fc.constantFrom(0, 0, 15, 40),
    }),
  },
  {
    weight: 30,
    arbitrary: fc.record({ kind: fc.constant('ack' as const), picks: fc.array(fc.nat(20), { maxLength: 4 }) }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat(20) }) },
  { weight: 30, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 15, arbitrary: fc.record({ kind: fc.constant('kill' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retire' as const) }) },
);

interface Held {
  readonly id: string;
  readonly bytes: number;
  /** 0 when nobody holds a lease on it. */
  until: number;
}

interface Waiting {
  readonly name: string;
  readonly limit: number;
  readonly leaseMs: number | null;
  readonly until: number;
  readonly ask: OpenAsk<AgentMessages['take']['reply']>;
}

/** The contract in its plainest form: one list in order of arrival, stepped a millisecond at a time. */
class Reference {
  held: Held[] = [];
  waiting: Waiting[] = [];
  sent = 0;
  delivered = 0;
  dropped = 0;
  alive = true;

  constructor(readonly bounds: InboxBounds) {}

  available(): Held[] {
    return this.held.filter(({ until }) => until === 0);
  }

  deliver(id: string, bytes: number): boolean {
    const kept = [...this.held];
    const fits = () => kept.length < this.bounds.messagesMax && sum(kept) + bytes <= this.bounds.bytesMax;
    while (!fits()) {
      const oldest = kept.findIndex(({ until }) => until === 0);
      if (this.bounds.overflow === 'refuse' || oldest === -1) return false;
      kept.splice(oldest, 1);
    }
    this.dropped += this.held.length - kept.length;
    this.held = [...kept, { id, bytes, until: 0 }];
    this.sent++;
    return true;
  }

  take(limit: number, leaseMs: number | null, now: number): string[] {
    const picked = this.available().slice(0, limit);
    if (leaseMs === null) {
      this.held = this.held.filter((message) => !picked.includes(message));
      this.delivered += picked.length;
    } else {
      for (const message of picked) message.until = now + leaseMs;
    }
    return picked.map(({ id }) => id);
  }

  ack(id: string): boolean {
    const at = this.held.findIndex((message) => message.id === id && message.until !== 0);
    if (at === -1) return false;
    this.held.splice(at, 1);
    this.delivered++;
    return true;
  }

  /** Serves those who wait and checks that each got exactly that. */
  serve(now: number): void {
    while (this.waiting.length > 0 && this.available().length > 0) {
      const { ask, limit, leaseMs } = this.waiting.shift()!;
      assert.deepEqual(answered(ask), this.take(limit, leaseMs, now));
    }
    for (const { ask } of this.waiting) assert.equal(ask.outcome, undefined);
  }

  tick(now: number): void {
    for (const message of this.held) if (message.until <= now) message.until = 0;
    const over = this.waiting.filter(({ until }) => until <= now);
    // A lease and a wait that end in the same millisecond may be seen to in either order.
    const served = over.filter(({ ask }) => (answered(ask) ?? []).length > 0);
    this.waiting = this.waiting.filter((waiter) => !over.includes(waiter) || served.includes(waiter));
    for (const { ask } of over) if (!served.some((waiter) => waiter.ask === ask)) assert.deepEqual(answered(ask), []);
    this.serve(now);
  }
}

function sum(messages: readonly Held[]): number {
  return messages.reduce((bytes, message) => bytes + message.bytes, 0);
}

function answered(ask: Waiting['ask']): string[] | undefined {
  if (ask.outcome === undefined) return undefined;
  assert.ok(ask.outcome !== 'lost' && ask.outcome.kind === 'answered', JSON.stringify(ask.outcome));
  return idsOf(ask.outcome.value);
}

class Run {
  readonly world: World;
  readonly agent: AgentDouble;
  readonly reference: Reference;
  #made = 0;

  constructor(bounds: InboxBounds) {
    const { world, agent } = newAgent(bounds);
    this.world = world;
    this.agent = agent;
    this.reference = new Reference(bounds);
  }

  step(command: Command): void {
    const { reference, world, agent } = this;
    switch (command.kind) {
      case 'deliver':
        this.#deliver(command.size);
        return;
      case 'take':
        this.#take(command);
        return;
      case 'ack':
        this.#ack(command.picks);
        return;
      case 'cancel': {
        const waiter = reference.waiting[command.pick % Math.max(1, reference.waiting.length)];
        agent.tell('cancelTake', { waiter: waiter?.name ?? 'unknown' });
        reference.waiting = reference.waiting.filter((other) => other !== waiter);
        return;
      }
      case 'advance':
        for (let ms = 0; ms < command.ms; ms++) {
          world.advance(1);
          reference.tick(world.now);
        }
        return;
      case 'kill':
        world.kill();
        for (const { ask } of reference.waiting) assert.equal(ask.outcome, 'lost');
        reference.waiting = [];
        return;
      case 'retire':
        agent.answer('retire', { operatorId: 'op-1' });
        reference.alive = false;
        return;
      default:
        command satisfies never;
    }
  }

  #deliver(size: number): void {
    const { agent, reference, world } = this;
    const messageId = `m${this.#made++}`;
    const accepted = reference.deliver(messageId, size);
    const outcome = agent.ask('deliver', { messageId, from: 'tab_s', content: 'x'.repeat(size), at: 1 });
    assert.equal(outcome.kind, accepted ? 'answered' : 'refused');
    reference.serve(world.now);
  }

  #take({ limit, leaseMs, waitMs }: Extract<Command, { kind: 'take' }>): void {
    const { agent, reference, world } = this;
    const name = `w${this.#made++}`;
    const mode: TakeMode = leaseMs === null ? CONSUME : { kind: 'lease', leaseMs };
    const waits = waitMs > 0 && reference.available().length === 0;
    const full = waits && reference.waiting.length >= 16;
    const outcome = agent.ask('take', { limit, mode, waitMs, waiter: name });
    if (outcome.kind === 'answered') {
      assert.ok(!waits);
      assert.deepEqual(idsOf(outcome.value), reference.take(limit, leaseMs, world.now));
      assert.equal(outcome.value.remaining, reference.available().length);
    } else if (outcome.kind === 'open') {
      assert.ok(waits && !full);
      reference.waiting.push({ name, limit, leaseMs, until: world.now + waitMs, ask: outcome.ask });
    } else {
      assert.ok(full);
    }
  }

  #ack(picks: readonly number[]): void {
    const { agent, reference } = this;
    const messageIds = picks.map((pick) => reference.held[pick % Math.max(1, reference.held.length)]?.id ?? 'none');
    const unknown = messageIds.filter((id) => !reference.ack(id));
    assert.deepEqual(agent.answer('ack', { messageIds }), { acked: messageIds.length - unknown.length, unknown });
  }

  /** What the store holds is what the reference holds, and each accepted action was one event. */
  check(): void {
    const { world, reference, agent } = this;
    const inbox = world.table('inbox').map(({ key, value }) => ({ seq: key[2], row: value as InboxRow }));
    assert.deepEqual(
      inbox.map(({ row }) => row.messageId),
      reference.held.map(({ id }) => id),
    );
    const head = (world.row(['inbox_head', 'tab_a']) as HeadRow | undefined) ?? { nextSeq: 1, count: 0, bytes: 0 };
    assert.equal(head.count, inbox.length);
    assert.equal(head.bytes, sum(reference.held));
    assert.ok(inbox.every(({ seq }) => Number(seq) < head.nextSeq));
    // A lease that ran out may be on disk until the next turn looks.
    const leases = world.table('lease').filter(({ value }) => (value as LeaseRow).until > world.now);
    assert.deepEqual(
      leases.map(({ value }) => (value as LeaseRow).messageId),
      reference.held.filter(({ until }) => until > 0).map(({ id }) => id),
    );
    const counts = { message_sent: 0, message_delivered: 0, message_dropped: 0 };
    for (const type of eventTypes(world)) counts[type as keyof typeof counts]++;
    assert.deepEqual(counts, {
      message_sent: reference.sent,
      message_delivered: reference.delivered,
      message_dropped: reference.dropped,
    });
    assert.equal(agent.mayPassivate, reference.waiting.length === 0);
  }

  checkRetired(): void {
    for (const { ask } of this.reference.waiting) assert.ok(ask.outcome !== 'lost' && ask.outcome?.kind === 'refused');
    while (this.agent.runTold());
    for (const table of ['inbox', 'inbox_head', 'lease', 'owned', 'registry']) {
      assert.deepEqual(this.world.table(table), [], table);
    }
    assert.equal(this.agent.residentBytes, 0);
  }
}

for (const overflow of ['refuse', 'drop_oldest'] as const) {
  test(`any sequence of deliveries, takes, leases, waits and crashes acts as one plain list does (${overflow}; A1, A2, A3)`, () => {
    const property = fc.property(fc.array(command, { maxLength: 80, size: 'max' }), (commands) => {
      const run = new Run({ messagesMax: 6, bytesMax: 40, overflow });
      for (const command of commands) {
        run.step(command);
        if (!run.reference.alive) return run.checkRetired();
        run.check();
      }
    });
    fc.assert(property, { numRuns: 1000 });
  });
}
