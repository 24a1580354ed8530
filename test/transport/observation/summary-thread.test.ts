import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import type { WriteBatch } from '../../../src/runtime/storage/store.js';
import { SLICE_EVENTS } from '../../../src/summaries/folding.js';
import type { FromSummaries, ToSummaries } from '../../../src/transport/observation/summary-protocol.js';
import { BEHIND_EVENTS_MAX, SummaryThread } from '../../../src/transport/observation/summary-thread.js';
import { type BookEvent, EventBook } from '../../summaries/event-book.js';

const WRITTEN: BookEvent = { type: 'state_written', agent: 'tab_a' };

class Sums extends MemoryStore {
  isFailing = false;
  commits = 0;
  isClosed = false;

  override commit(write: (batch: WriteBatch) => void): void {
    if (this.isFailing) throw new Error('no room');
    this.commits++;
    super.commit(write);
  }

  override async close(): Promise<void> {
    this.isClosed = true;
  }
}

class Tables extends MemoryStore {
  isClosed = false;

  override async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** The thread's work in this one, and what it says. */
class Stage {
  readonly tables = new Tables();
  readonly book = new EventBook(this.tables);
  readonly sums = new Sums();
  readonly said: FromSummaries[] = [];
  readonly #port: MessagePort;
  readonly #inside: MessagePort;
  readonly #listening = new Set<() => void>();
  #ticket = 0;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#inside = port2;
    port1.on('message', (message: FromSummaries) => {
      this.said.push(message);
      for (const wake of this.#listening) wake();
      this.#listening.clear();
    });
  }

  start(): void {
    new SummaryThread(this.#inside, { openTables: () => this.tables, openSums: () => this.sums });
  }

  write(events: number): void {
    this.book.append(Array.from({ length: events }, () => WRITTEN));
  }

  tell(message: ToSummaries): void {
    this.#port.postMessage(message);
  }

  /** What is said of it. */
  async read(): Promise<FromSummaries> {
    const ticket = ++this.#ticket;
    this.tell({ kind: 'read', ticket, reading: { kind: 'agent', address: 'tab_a', after: null, limit: 1 } });
    return this.heard((message) => 'ticket' in message && message.ticket === ticket);
  }

  async writes(): Promise<number> {
    const message = await this.read();
    assert.ok(message.kind === 'read' && message.json !== undefined, JSON.stringify(message));
    return (JSON.parse(Buffer.from(message.json).toString()) as { state_writes: number }).state_writes;
  }

  /** The first message of the kind, also one that came before. */
  async heard(isIt: (message: FromSummaries) => boolean): Promise<FromSummaries> {
    for (;;) {
      const found = this.said.find(isIt);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#listening.add(resolve);
      });
    }
  }

  async end(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#port.once('close', resolve));
    this.tell({ kind: 'stop' });
    await closed;
  }
}

const stages: Stage[] = [];
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.end();
});

function staged(): Stage {
  const stage = new Stage();
  stages.push(stage);
  stage.book.append([{ type: 'agent_registered', agent: 'tab_a' }]);
  return stage;
}

test('leaves few events lying until somebody asks, and answers with all of them (ST1)', async () => {
  const stage = staged();
  stage.write(10);
  stage.start();
  await stage.heard(({ kind }) => kind === 'folded');
  assert.equal(stage.sums.commits, 1, 'its version, and no slice');
  assert.equal(await stage.writes(), 10);
  for (let i = 11; i < 15; i++) {
    stage.write(1);
    assert.equal(await stage.writes(), i);
  }
});

test('folds many by itself, a slice at a time', async () => {
  const stage = staged();
  stage.write(2 * SLICE_EVENTS + 5);
  stage.start();
  await stage.heard((message) => message.kind === 'folded' && message.seq === 2 * SLICE_EVENTS);
  assert.deepEqual(stage.said, [
    { kind: 'folded', seq: 0 },
    { kind: 'folded', seq: SLICE_EVENTS },
    { kind: 'folded', seq: 2 * SLICE_EVENTS },
  ]);
});

test('tells at once who would wait too long, and lets nobody wait for what came after the question (ST2)', async () => {
  const stage = staged();
  stage.write(BEHIND_EVENTS_MAX);
  stage.start();
  const early = await stage.read();
  assert.ok(early.kind === 'behind' && early.events > BEHIND_EVENTS_MAX - 3 * SLICE_EVENTS, JSON.stringify(early));
  await stage.heard((message) => message.kind === 'folded' && message.seq > 3 * SLICE_EVENTS);
  // The log grows as fast as it is folded: who waited for its end would wait for ever.
  let isOver = false;
  const answers = Promise.all([stage.writes(), stage.writes()]).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    stage.write(SLICE_EVENTS);
    await new Promise(setImmediate);
  }
  for (const writes of await answers) assert.ok(writes >= BEHIND_EVENTS_MAX && writes < stage.book.events.length);
});

test('tells all who wait when the sums cannot be written, and works again when they can (ST4)', async () => {
  const stage = staged();
  stage.write(5);
  stage.start();
  assert.equal(await stage.writes(), 5);
  stage.sums.isFailing = true;
  stage.write(1);
  for (const message of await Promise.all([stage.read(), stage.read()])) {
    assert.ok(message.kind === 'failed' && /no room/.test(message.error), JSON.stringify(message));
  }
  assert.equal(stage.said.filter(({ kind }) => kind === 'failing').length, 1, 'told once');
  stage.sums.isFailing = false;
  assert.equal(await stage.writes(), 6);
});

test('answers what was asked for nobody, and closes both stores when it is told to stop', async () => {
  const stage = new Stage();
  stage.start();
  const nobody = await stage.read();
  assert.ok(nobody.kind === 'read' && nobody.json === undefined);
  await stage.end();
  assert.deepEqual([stage.tables.isClosed, stage.sums.isClosed], [true, true]);
});

test('folds what is little at once, when it is in the way of somebody', async () => {
  const stage = staged();
  stage.start();
  await stage.heard(({ kind }) => kind === 'folded');
  stage.write(2);
  const startedAt = performance.now();
  stage.tell({ kind: 'fold' });
  await stage.heard((message) => message.kind === 'folded' && message.seq === 3);
  assert.ok(performance.now() - startedAt < 5_000, 'before it is old enough, after ten looks');
});
