import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { Batch } from '../../src/runtime/batch.js';
import { RecordWriter } from '../../src/runtime/commit-record.js';
import { logged, readEventPage } from '../../src/runtime/event-reader.js';
import { EventTap, readTap, TAP_BYTES_MAX, type TapMessage, tapMemory } from '../../src/runtime/event-tap.js';
import { openLmdbReader } from '../../src/runtime/storage/lmdb-store.js';
import { System } from '../../src/runtime/system.js';
import { crier } from './event-kinds.js';
import { directory } from './library-system.js';

const KINDS = new URL('./event-kinds.js', import.meta.url);
const systems: System[] = [];
after(async () => {
  for (const system of systems) await system.stop(5_000);
});

/** One batch of a commit record with these events, among other writes. */
function recordOf(events: readonly Uint8Array[]): Buffer {
  const batch = new Batch();
  const writer = new RecordWriter(batch);
  writer.begin();
  writer.put(Buffer.from('key'), Buffer.from('value'));
  for (const event of events) {
    writer.event(event);
    writer.delete(Buffer.from('key'));
  }
  writer.add(0, 1, false);
  writer.end({ slot: 1, epoch: 1 });
  return Buffer.from(batch.take());
}

/** A port whose messages are taken out by hand. */
class HeldPort {
  readonly waiting: TapMessage[] = [];
  readonly #hear: ((message: TapMessage) => void)[] = [];

  postMessage(message: TapMessage): void {
    this.waiting.push(message);
  }

  on(_: string, hear: (message: TapMessage) => void): this {
    this.#hear.push(hear);
    return this;
  }

  /** The reader gets its next message; false when there is none. */
  deliver(): boolean {
    const message = this.waiting.shift();
    if (message === undefined) return false;
    for (const hear of this.#hear) hear(message);
    return true;
  }
}

/** What a reader was told: events by number and text, and what it was told to have missed. */
function listen(
  port: HeldPort,
  memory: SharedArrayBuffer,
): { next: number; readonly told: [number, string][]; missed: number } {
  const heard = { next: 0, told: [] as [number, string][], missed: 0 };
  readTap(port as unknown as Parameters<typeof readTap>[0], memory, {
    events(events) {
      for (const { seq, value } of events) {
        assert.equal(seq, heard.next++, 'events are told in order');
        heard.told.push([seq, Buffer.from(value).toString('latin1')]);
      }
    },
    missed(nextSeq) {
      assert.ok(nextSeq >= heard.next, 'nothing is told twice');
      heard.missed += nextSeq - heard.next;
      heard.next = nextSeq;
    },
  });
  return heard;
}

describe('the event tap', () => {
  test('says at once where it begins, and tells every event from there, in order (ET1)', () => {
    const groups = fc.array(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.nat(1e9), groups, fc.infiniteStream(fc.boolean()), (start, planned, reads) => {
        const port = new HeldPort();
        const memory = tapMemory();
        const tap = new EventTap(port, memory, start);
        const heard = listen(port, memory);
        const expected: [number, string][] = [];
        let seq = start;
        for (const events of planned) {
          const before = seq;
          for (const event of events) expected.push([++seq, Buffer.from(event).toString('latin1')]);
          // Several batches in one group, as of several sources.
          const half = Math.floor(events.length / 2);
          tap.committed(before, seq, [recordOf(events.slice(0, half)), recordOf(events.slice(half))]);
          if (reads.next().value) port.deliver();
        }
        while (port.deliver());
        assert.deepEqual(heard.told, expected);
        assert.deepEqual([heard.next, heard.missed], [seq + 1, start + 1]);
      }),
    );
  });

  test('holds no more than its bound for a reader that is away, and names what it left out (ET1, ET2)', () => {
    const port = new HeldPort();
    const memory = tapMemory();
    const tap = new EventTap(port, memory, 0);
    const heard = listen(port, memory);
    const large = new Uint8Array(1024 * 1024);
    const group = large.length + 4;
    let seq = 0;
    const bytesWaiting = () =>
      port.waiting.reduce((sum, one) => sum + (one.kind === 'events' ? one.row.byteLength : 0), 0);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 40; i++) tap.committed(seq, ++seq, [recordOf([large])]);
      assert.ok(bytesWaiting() <= TAP_BYTES_MAX + group, `${bytesWaiting()} bytes wait`);
      while (port.deliver());
    }
    tap.committed(seq, ++seq, [recordOf([large])]);
    while (port.deliver());
    // The first `missed` is the beginning: it leaves out what is before event 1.
    assert.equal(heard.told.length + heard.missed - 1, seq);
    assert.ok(heard.missed > 1 && heard.told.length > 30);
    assert.equal(heard.next, seq + 1);
  });

  test('goes on counting where the counter of bytes wraps (ET2)', () => {
    const port = new HeldPort();
    const memory = tapMemory();
    const large = new Uint8Array(1024 * 1024);
    new Int32Array(memory)[0] = -large.length * 5;
    const tap = new EventTap(port, memory, 0);
    const heard = listen(port, memory);
    const record = recordOf([large]);
    for (let seq = 0; seq < 10; seq++) {
      tap.committed(seq, seq + 1, [record]);
      while (port.deliver());
    }
    assert.deepEqual([heard.next, heard.missed], [11, 1]);
    assert.ok(new Int32Array(memory)[0]! > 0, 'it has wrapped');
    for (let seq = 10; seq < 40; seq++) tap.committed(seq, seq + 1, [record]);
    while (port.deliver());
    assert.equal(heard.told.length, 10 + 16, 'the bound holds on the other side');
  });
});

describe('the tap of a running system', () => {
  test('tells what the log then holds, from each shard, and ends with its port', { timeout: 60_000 }, async () => {
    const home = directory();
    const system = await System.start({
      store: {
        directory: home,
        journalDirectory: join(home, 'journal'),
        backups: join(directory(), 'backups'),
        journal: { segmentBytes: 256 * 1024, unappliedBytesMax: 128 * 1024 * 1024, applyAfterMs: 60_000 },
      },
      workers: 2,
      workerUrl: new URL('../../src/runtime/threads/kinds-worker.js', import.meta.url),
      settings: { kinds: [KINDS.href] },
      protocols: [crier.protocol],
      counters: [],
      durability: 'durable',
      residentBytesMaxPerWorker: 64 * 1024 * 1024,
      forceEncoding: true,
      isExplained: false,
      seed: 0,
      handlerMsMax: Number.POSITIVE_INFINITY,
      onLog: () => undefined,
      onEscalation: () => undefined,
      onTrouble: () => undefined,
      onFatal: (error) => {
        throw error;
      },
    });
    systems.push(system);
    const cry = async (who: number, texts: readonly string[]) => {
      const args = { type: `t${who % 3}`, texts };
      const answer = await system.actors.ask(crier.protocol, `k${who}`, 'cry', args);
      assert.ok(answer.ok);
    };
    await cry(0, ['before the tap']);

    const { port1, port2 } = new MessageChannel();
    const memory = tapMemory();
    const told: unknown[] = [];
    let from = 0;
    let next = 0;
    let woken = () => {};
    readTap(port1, memory, {
      events(events) {
        for (const event of events) {
          assert.equal(event.seq, next++);
          told.push(logged(event));
        }
        woken();
      },
      missed(nextSeq) {
        assert.equal(from, 0, 'nothing but the beginning is missed');
        from = nextSeq;
        next = nextSeq;
        woken();
      },
    });
    const reaches = async (seq: number) => {
      while (next < seq) {
        await new Promise<void>((resolve) => {
          woken = resolve;
        });
      }
    };
    system.tapEvents(port2, memory);
    await reaches(2);
    assert.equal(from, 2, 'it begins behind what was there');

    const rounds = Array.from({ length: 200 }, (_, who) => cry(who, [`${who} a`, `${who} b`]));
    await Promise.all(rounds);
    await reaches(402);
    // The tables follow only now.
    await system.settled();
    const reader = openLmdbReader(home);
    const page = readEventPage(reader, { since: 1, limit: 1000 });
    assert.deepEqual(told, page.events);
    const ofOne = readEventPage(reader, { since: 0, types: ['t1'], about: 'k4', limit: 1000 });
    assert.deepEqual(
      ofOne.events.map(({ data }) => data),
      [{ text: '4 a' }, { text: '4 b' }],
    );
    await reader.close();

    const closed = once(port1, 'close');
    port1.close();
    await closed;
    await cry(1, ['after the tap']);
    assert.equal(next, 402);

    // Another one begins where the log then ends.
    const second = new MessageChannel();
    const [begin] = await Promise.all([
      new Promise<TapMessage>((resolve) => second.port1.once('message', resolve)),
      system.tapEvents(second.port2, tapMemory()),
    ]);
    assert.deepEqual(begin, { kind: 'missed', nextSeq: 403 });
    second.port1.close();
  });
});
