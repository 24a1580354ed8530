import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { InboxBounds } from '../../../src/actors/agent/delivering.js';
import type { HeadRow, InboxRow, LeaseRow } from '../../../src/actors/agent/inbox.js';
import type { AgentMessages, PushedMessage, SessionItem, TakeMode } from '../../../src/actors/agent/protocol.js';
import { UNACKNOWLEDGED_BYTES_MAX } from '../../../src/actors/agent/session.js';
import type { OpenAsk, World } from '../turn-double.js';
import { type AgentDouble, CONSUME, eventTypes, idsOf, LOOKUP_ID, newAgent } from './agent-fixture.js';
import { type Durable, type Given, Reference, sum, type Waiting } from './session-reference.js';

const KIB = 1024;
const RUNS = 1_000;

type Command =
  | { readonly kind: 'deliver'; readonly bytes: number }
  | { readonly kind: 'take'; readonly limit: number; readonly leaseMs: number | null; readonly waitMs: number }
  | { readonly kind: 'ack' | 'ackUpTo'; readonly pick: number }
  | { readonly kind: 'cancel'; readonly pick: number }
  | { readonly kind: 'attach'; readonly last: 'null' | 'known' | 'future'; readonly pick: number; window: number }
  | { readonly kind: 'detach' | 'ackOfOld'; readonly pick: number }
  | { readonly kind: 'advance' | 'jump'; readonly ms: number }
  | { readonly kind: 'leave' | 'hold' | 'commit' | 'kill' | 'retire' };

const pick = fc.nat(20);
const of = <K extends string>(kind: K) => fc.constant(kind);
const weighed = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const bytes = fc.oneof(weighed(8, fc.nat(12)), weighed(4, fc.constantFrom(400 * KIB, 700 * KIB, 1_100 * KIB)));
/** Leases end at even times and waits at odd ones, so that it is clear which is first. */
const ms = fc.integer({ min: 1, max: 13 }).map((half) => half * 2);
const take = {
  limit: fc.integer({ min: 1, max: 4 }),
  leaseMs: fc.constantFrom(null, 10, 24),
  waitMs: fc.constantFrom(0, 0, 15, 41),
};
const last = fc.constantFrom('null', 'known', 'known', 'future' as const);

const command: fc.Arbitrary<Command> = fc.oneof(
  weighed(60, fc.record({ kind: of('deliver'), bytes })),
  weighed(25, fc.record({ kind: of('take'), ...take })),
  weighed(12, fc.record({ kind: of('ack'), pick })),
  weighed(40, fc.record({ kind: of('ackUpTo'), pick })),
  weighed(5, fc.record({ kind: of('cancel'), pick })),
  weighed(30, fc.record({ kind: of('attach'), last, pick, window: fc.integer({ min: 1, max: 4 }) })),
  weighed(14, fc.record({ kind: fc.constantFrom('detach', 'ackOfOld'), pick })),
  weighed(24, fc.record({ kind: of('advance'), ms })),
  weighed(8, fc.record({ kind: of('jump'), ms })),
  weighed(3, fc.record({ kind: of('leave') })),
  weighed(8, fc.record({ kind: of('hold') })),
  weighed(8, fc.record({ kind: of('commit') })),
  weighed(12, fc.record({ kind: of('kill') })),
  weighed(1, fc.record({ kind: of('retire') })),
);

interface Stream {
  readonly ask: OpenAsk<AgentMessages['attach']['reply']>;
  readonly given: Given;
  /** What was committed of it when commits were held. */
  seen: Given;
}

interface Wait {
  readonly ask: OpenAsk<AgentMessages['take']['reply']>;
  readonly waiting: Waiting;
  /** It had been answered when commits were held. */
  wasAnswered: boolean;
}

class Run {
  readonly world: World;
  readonly agent: AgentDouble;
  readonly reference: Reference;
  /** While commits are held: what was there before. */
  #durable: Durable | undefined;
  #streams: Stream[] = [];
  #waits: Wait[] = [];
  #sessions: string[] = [];
  #made = 0;
  isAlive = true;

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
        this.#deliver(command.bytes);
        return;
      case 'take':
        this.#take(command);
        return;
      case 'ack': {
        const messageIds = [this.#idAt(command.pick), this.#idAt(command.pick + 1)];
        const unknown = reference.ack(messageIds, world.now);
        assert.deepEqual(agent.answer('ack', { messageIds }).unknown, unknown);
        return;
      }
      case 'ackUpTo':
        // Below, at and above what was pushed.
        this.#ackUpTo(reference.session?.name ?? 'none', Math.max(0, reference.pushed + 1 - (command.pick % 5)));
        return;
      case 'ackOfOld':
        this.#ackUpTo(this.#nameAt(command.pick), reference.nextSeq);
        return;
      case 'cancel': {
        const waiter = this.#waits[command.pick % Math.max(1, this.#waits.length)]?.waiting.name ?? 'unknown';
        agent.tell('cancelTake', { waiter });
        reference.endWait(waiter);
        return;
      }
      case 'attach':
        this.#attach(command);
        return;
      case 'detach': {
        const name = this.#nameAt(command.pick);
        agent.answer('detach', { session: name });
        reference.detach(name, world.now);
        return;
      }
      case 'advance':
        for (let ms = 0; ms < command.ms; ms++) {
          world.advance(1);
          reference.tick(world.now);
        }
        return;
      case 'jump':
        // Timers ring late: what comes first looks by itself. Of those who wait it is not said who is first then.
        if (reference.waiting.length === 0) world.now += command.ms;
        return;
      case 'leave':
        for (const stream of this.#streams) if (stream.given.end === 'open') stream.ask.isRead = false;
        this.#streams = this.#streams.filter(({ ask }) => ask.isRead);
        return;
      case 'hold':
        this.#durable ??= reference.durable();
        world.holdCommits();
        return;
      case 'commit':
        this.#durable = undefined;
        world.commitHeld();
        return;
      case 'kill':
        this.#kill();
        return;
      case 'retire':
        agent.answer('retire', { operatorId: 'op-1' });
        reference.retire();
        this.isAlive = false;
        return;
      default:
        command satisfies never;
    }
  }

  #deliver(bytes: number): void {
    const { agent, reference, world } = this;
    const messageId = `m${this.#made++}`;
    const accepted = reference.deliver(messageId, bytes, world.now);
    const outcome = agent.ask('deliver', { messageId, from: 'tab_s', content: 'x'.repeat(bytes), at: 1 });
    assert.equal(outcome.kind, accepted ? 'answered' : 'refused');
  }

  #take({ limit, leaseMs, waitMs }: Extract<Command, { kind: 'take' }>): void {
    const { agent, reference, world } = this;
    const { now } = world;
    const name = `w${this.#made++}`;
    const expected = reference.take({ name, limit, leaseMs, until: now + waitMs }, now);
    const mode: TakeMode = leaseMs === null ? CONSUME : { kind: 'lease', leaseMs };
    const outcome = agent.ask('take', { limit, mode, waitMs, waiter: name });
    if (expected === 'refused') {
      assert.equal(outcome.kind, 'refused');
    } else if ('until' in expected) {
      assert.ok(outcome.kind === 'open');
      this.#waits.push({ ask: outcome.ask, waiting: expected, wasAnswered: false });
    } else {
      assert.ok(outcome.kind === 'answered');
      assert.deepEqual(idsOf(outcome.value), expected);
      if (reference.session === undefined) assert.equal(outcome.value.remaining, reference.available().length);
    }
  }

  #attach({ last, pick, window }: Extract<Command, { kind: 'attach' }>): void {
    const { agent, reference, world } = this;
    const known = Math.max(0, reference.pushed - (pick % 5));
    const lastSeq = last === 'null' ? null : last === 'known' ? known : reference.pushed + 1 + (pick % 3);
    const session = `s${this.#made++}`;
    this.#sessions.push(session);
    const { session: live, resumed } = reference.attach(session, lastSeq, window, world.now);
    const ask = agent.open('attach', { session, lookupId: LOOKUP_ID, lastSeq, window });
    this.#streams.push({ ask, given: live.given, seen: { pushed: [], end: 'open' } });
    if (this.#durable !== undefined) return;
    const [first] = ask.items as readonly SessionItem[];
    assert.ok(first?.kind === 'attached');
    assert.equal(first.resumed, resumed);
    assert.ok(first.nextSeq > live.claimed && first.nextSeq <= reference.nextSeq);
    for (const { seq } of reference.kept)
      assert.ok(seq <= live.claimed || seq >= first.nextSeq, 'it was not announced');
  }

  #ackUpTo(session: string, seq: number): void {
    this.agent.answer('ackUpTo', { session, seq });
    this.reference.ackUpTo(session, seq, this.world.now);
  }

  #kill(): void {
    this.world.kill();
    for (const { ask, seen } of this.#streams) if (seen.end === 'open') assert.ok(isUnanswered(ask));
    for (const { ask, wasAnswered } of this.#waits) if (!wasAnswered) assert.ok(isUnanswered(ask));
    this.reference.kill(this.#durable ?? this.reference.durable());
    this.#durable = undefined;
    this.#streams = [];
    this.#waits = [];
  }

  #idAt(pick: number): string {
    const { kept } = this.reference;
    return kept[pick % Math.max(1, kept.length)]?.id ?? 'none';
  }

  /** The newest session, or one before. */
  #nameAt(pick: number): string {
    return this.#sessions.at(pick % 3 === 0 ? -2 : -1) ?? 'none';
  }

  /** What came out is what the contract says; behind the gate, nothing. */
  check(): void {
    const isHeld = this.#durable !== undefined;
    for (const stream of this.#streams) {
      if (!isHeld) stream.seen = { pushed: [...stream.given.pushed], end: stream.given.end };
      assert.deepEqual(pushedOf(stream.ask), stream.seen.pushed);
      assert.equal(endOf(stream.ask), stream.seen.end);
      assertOrdered(stream.seen.pushed.map(({ seq }) => seq));
    }
    for (const wait of this.#waits) {
      if (!isHeld) wait.wasAnswered = wait.waiting.answer !== undefined;
      assert.deepEqual(answered(wait.ask), wait.wasAnswered ? wait.waiting.answer : undefined);
    }
    if (isHeld) return;
    this.#streams = this.#streams.filter(({ given }) => given.end === 'open');
    this.#waits = this.#waits.filter(({ waiting }) => waiting.answer === undefined);
    this.#checkWindow();
    if (this.isAlive) this.#checkStore();
    else this.#checkRetired();
  }

  /** S3, with what memory says of it. */
  #checkWindow(): void {
    const { session, kept } = this.reference;
    if (session === undefined) return;
    const unacked = kept.filter(({ seq }) => session.unacked.has(seq));
    assert.ok(unacked.length <= session.window);
    assert.ok(unacked.length <= 1 || sum(unacked) <= UNACKNOWLEDGED_BYTES_MAX);
  }

  /** What the store holds is what the reference and the memory hold, and each accepted action was one event. */
  #checkStore(): void {
    const { world, reference, agent } = this;
    const inbox = world.table('inbox').map(({ key, value }) => [key[2], (value as InboxRow).messageId]);
    assert.deepEqual(
      inbox,
      reference.kept.map(({ seq, id }) => [seq, id]),
    );
    const head = (world.row(['inbox_head', 'tab_a']) as HeadRow | undefined) ?? { nextSeq: 1, count: 0, bytes: 0 };
    const { nextSeq, pushed } = reference;
    const expected = { nextSeq, count: inbox.length, bytes: sum(reference.kept), ...(pushed > 0 && { pushed }) };
    assert.deepEqual(head, expected);
    const { life } = agent.state;
    assert.ok(life.kind === 'alive');
    const memory = life.inbox;
    assert.deepEqual(
      [memory.nextSeq, memory.count, memory.bytes, memory.pushedSeq],
      [nextSeq, head.count, head.bytes, pushed],
    );
    assert.equal(memory.available + memory.leased + memory.held.count, memory.count);
    // A lease that ran out may be on disk until the next turn looks.
    const leases = world.table('lease').filter(({ value }) => (value as LeaseRow).until > world.now);
    assert.deepEqual(
      leases.map(({ value }) => (value as LeaseRow).messageId),
      reference.kept.filter(({ until }) => until > world.now).map(({ id }) => id),
    );
    const counts = { message_sent: 0, message_delivered: 0, message_dropped: 0 };
    for (const type of eventTypes(world)) counts[type as keyof typeof counts]++;
    assert.deepEqual(counts, {
      message_sent: reference.sent,
      message_delivered: reference.delivered,
      message_dropped: reference.dropped,
    });
    assert.equal(agent.mayPassivate, reference.waiting.length === 0 && reference.session === undefined);
  }

  #checkRetired(): void {
    for (const { ask } of this.#waits) assert.ok(ask.outcome !== 'lost' && ask.outcome?.kind === 'refused');
    while (this.agent.runTold());
    for (const table of ['inbox', 'inbox_head', 'lease', 'owned', 'registry']) {
      assert.deepEqual(this.world.table(table), [], table);
    }
    assert.equal(this.agent.residentBytes, 0);
  }
}

function pushedOf({ items }: Stream['ask']): unknown[] {
  const messages = items.flatMap((item): readonly PushedMessage[] => (item.kind === 'messages' ? item.messages : []));
  return messages.map(({ seq, messageId, redelivered }) => ({ seq, messageId, redelivered }));
}

function endOf({ outcome }: Stream['ask']): string {
  if (outcome === undefined || outcome === 'lost') return outcome ?? 'open';
  return outcome.kind === 'answered' ? 'replaced' : outcome.code === 'UNAUTHORIZED' ? 'retired' : outcome.code;
}

function answered({ outcome }: Wait['ask']): string[] | undefined {
  if (outcome === undefined || outcome === 'lost' || outcome.kind === 'refused') return undefined;
  return idsOf(outcome.value);
}

function isUnanswered({ outcome }: { readonly outcome: unknown }): boolean {
  return outcome === undefined || outcome === 'lost';
}

function assertOrdered(seqs: readonly number[]): void {
  for (const [place, seq] of seqs.entries())
    assert.ok(place === 0 || seq > seqs[place - 1]!, 'a repeat, or out of order');
}

for (const overflow of ['refuse', 'drop_oldest'] as const) {
  test(`any sequence of deliveries, sessions, takes and crashes acts as one plain list does (${overflow}; S1 to S5, A1 to A4, K1 to K5)`, () => {
    const property = fc.property(fc.array(command, { maxLength: 80, size: 'max' }), (commands) => {
      const run = new Run({ messagesMax: 6, bytesMax: 2_200 * KIB, overflow });
      for (const command of commands) {
        run.step(command);
        run.check();
        if (!run.isAlive) break;
      }
      run.step({ kind: 'commit' });
      run.check();
    });
    fc.assert(property, { numRuns: RUNS });
  });
}
