// Asks kept open that are given items (streams.ts: ST3 to ST5; completion.ts: CO2), in one thread moved by hand and on real
// threads.

import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { anyKind } from '../../src/runtime/actor.js';
import { readBatch } from '../../src/runtime/envelope-reader.js';
import { STREAM_WINDOW } from '../../src/runtime/incoming-stream.js';
import { Link, linkMemory } from '../../src/runtime/link.js';
import type { Answer } from '../../src/runtime/ref.js';
import { PUSHED_AHEAD_MAX } from '../../src/runtime/streams.js';
import { FRONT } from '../../src/runtime/threads/protocol.js';
import { coded, collect, removeDirectories, start, stop, stopAll, until } from './library-system.js';
import { LocalSystem } from './local-system.js';
import { type RadioMessages, radio } from './radio-kind.js';

const RADIO = new URL('./radio-kind.js', import.meta.url);
/** Early leavers that are remembered (streams.ts). */
const LEFT_EARLY_MAX = 4_096;

function setUp(residentBytesMax = 1_000_000): LocalSystem {
  return new LocalSystem({ kinds: [anyKind(radio)], residentBytesMax });
}

/** The reading end of a stream in the hands of a test. */
class Reader {
  readonly items: unknown[] = [];
  /** 'done', or the code of its fault. */
  end: string | undefined;
  readonly #system: LocalSystem;
  readonly #correlation: number;

  constructor(system: LocalSystem, message: 'listen' | 'count', args: string | null = null, correlation?: number) {
    this.#system = system;
    this.#correlation = correlation ?? system.asks.next();
    const life = system.shards[0]!;
    system.send(life, radio, 'r', message, args, this.#correlation, {});
    const ended = (answer: Answer<unknown>) => {
      this.end = answer.ok ? 'done' : answer.fault.code;
    };
    system.asks.wait(this.#correlation, life.worker, Number.POSITIVE_INFINITY, ended, (item) => this.items.push(item));
  }

  /** It may be given so many more, or with 0 it wants none. */
  allow(items: number): void {
    if (items === 0) this.#system.asks.forget(this.#correlation);
    allow(this.#system, this.#correlation, items);
  }

  leave(): void {
    this.allow(0);
  }
}

function allow(system: LocalSystem, correlation: number, items: number): void {
  system.shards[0]!.front.allow({ correlation, items });
}

/** What the radio answers when everything has come to rest. */
async function ask<K extends 'say' | 'whisper' | 'rush' | 'end' | 'heard' | 'stop' | 'fail'>(
  system: LocalSystem,
  message: K,
  args: RadioMessages[K]['args'],
): Promise<RadioMessages[K]['reply'] | string> {
  const answering = system.ask(radio, 'r', message, args);
  await system.run();
  const answer = await answering;
  return answer.ok ? (answer.value as RadioMessages[K]['reply']) : answer.fault.code;
}

describe('items pushed to an ask that is kept open', () => {
  it('come in the order in which they were pushed, also in the turn that opened it, and then the end (CO2)', async () => {
    const system = setUp();
    const reader = new Reader(system, 'listen', 'hello');
    assert.equal(await ask(system, 'say', 'one'), 1);
    assert.equal(await ask(system, 'rush', 3), 3);
    await ask(system, 'end', { last: 'last', refused: false });
    assert.deepEqual(reader.items, ['hello', 'one', '0', '1', '2', 'last']);
    assert.equal(reader.end, 'done');
    assert.equal(await ask(system, 'whisper', 'nobody'), 0);
    assert.equal(reader.items.length, 6);
  });

  it('may be followed by a refusal', async () => {
    const system = setUp();
    const reader = new Reader(system, 'listen', 'hello');
    await ask(system, 'end', { last: 'last', refused: true });
    assert.deepEqual([reader.items, reader.end], [['hello', 'last'], 'CONFLICT']);
  });

  it('wait for the gate of their turn, those of later turns that write nothing too (G5, O1)', async () => {
    const system = setUp();
    const reader = new Reader(system, 'listen', 'hello');
    await system.run();
    system.autoCommit = false;
    system.tell(radio, 'r', 'say', 'written');
    system.tell(radio, 'r', 'whisper', 'after it');
    await system.run();
    assert.deepEqual(reader.items, ['hello']);
    system.commit();
    await system.run();
    assert.deepEqual(reader.items, ['hello', 'written', 'after it']);
  });

  it('go to each of many readers, and one that leaves changes nothing for the others', async () => {
    const system = setUp();
    const readers = Array.from({ length: 5 }, (_, i) => new Reader(system, 'listen', `hello ${i}`));
    assert.equal(await ask(system, 'say', 'one'), 5);
    readers[2]!.leave();
    assert.equal(await ask(system, 'say', 'two'), 4);
    for (const [i, { items }] of readers.entries()) {
      assert.deepEqual(items, i === 2 ? ['hello 2', 'one'] : [`hello ${i}`, 'one', 'two']);
    }
  });

  it('do not come when their commit fails: the stream ends with COMMIT_FAILED, and the actor starts again (O2, SH5)', async () => {
    const system = setUp();
    const reader = new Reader(system, 'listen', 'hello');
    await ask(system, 'say', 'kept');
    system.autoCommit = false;
    system.log.failuresLeft = 1;
    const answering = system.ask(radio, 'r', 'say', 'lost');
    system.tell(radio, 'r', 'whisper', 'lost too');
    await system.run();
    system.commit();
    await system.run();
    assert.equal((await answering).ok, false);
    assert.deepEqual([reader.items, reader.end], [['hello', 'kept'], 'COMMIT_FAILED']);
    system.autoCommit = true;
    assert.deepEqual(await ask(system, 'heard', null), { ended: 0, said: [] });
    assert.equal(await ask(system, 'say', 'again'), 0);
    assert.equal(system.stored(['radio', 'r', 'lost']), undefined);
    const next = new Reader(system, 'listen', 'hello');
    assert.equal(await ask(system, 'say', 'on'), 1);
    assert.deepEqual(next.items, ['hello', 'on']);
  });

  it('of a turn that throws are not pushed, and the stream ends behind those before', async () => {
    const system = setUp();
    const reader = new Reader(system, 'listen', 'hello');
    system.autoCommit = false;
    system.tell(radio, 'r', 'say', 'before');
    system.tell(radio, 'r', 'fail', null);
    await system.run();
    assert.deepEqual([reader.items, reader.end], [['hello'], undefined]);
    system.commit();
    await system.run();
    assert.deepEqual([reader.items, reader.end], [['hello', 'before'], 'INTERNAL']);
  });
});

describe('a reader that leaves', () => {
  it('ends the stream: a later push returns false, and nothing of it is kept (ST4)', async () => {
    const system = setUp();
    const reader = new Reader(system, 'listen', 'hello');
    assert.equal(await ask(system, 'say', 'one'), 1);
    reader.leave();
    assert.equal(await ask(system, 'say', 'two'), 0);
    await ask(system, 'end', { last: 'last', refused: false });
    assert.deepEqual([reader.items, reader.end], [['hello', 'one'], undefined]);
  });

  it('before the actor has run its first turn ends it too, whenever the first item is pushed (ST4)', async () => {
    const system = setUp();
    const readers = [new Reader(system, 'listen', 'hello'), new Reader(system, 'listen'), new Reader(system, 'listen')];
    readers[0]!.leave();
    readers[1]!.leave();
    await system.run();
    assert.equal(await ask(system, 'whisper', 'the first, to one who left as far as it knows'), 2);
    assert.equal(await ask(system, 'whisper', 'the next'), 1);
    assert.equal(readers[2]!.items.length, 2);
  });

  it('before its generator has begun ends it: its finally does not run, for it ran nothing (ST4)', async () => {
    const system = setUp();
    const early = new Reader(system, 'count');
    early.leave();
    await system.run();
    const late = new Reader(system, 'count');
    await system.run();
    assert.equal(late.items.length, STREAM_WINDOW);
    late.leave();
    assert.deepEqual(await ask(system, 'heard', null), { ended: 1, said: [] });
    assert.deepEqual([early.items, early.end], [[], undefined]);
  });

  it('early is remembered among LEFT_EARLY_MAX others, the oldest is forgotten, and what it asked for stays bounded (G8)', async () => {
    const system = setUp();
    // Correlations that no ask of the test has.
    const base = 1_000_000;
    for (let i = 0; i <= LEFT_EARLY_MAX; i++) allow(system, base + i, 0);
    await system.run();
    const readers = [0, 1, LEFT_EARLY_MAX].map((i) => new Reader(system, 'count', null, base + i));
    await system.run();
    assert.deepEqual(
      readers.map(({ items }) => items.length),
      [STREAM_WINDOW, 0, 0],
    );
    const pushed = new Reader(system, 'listen', 'hello', base + 2);
    assert.equal(await ask(system, 'whisper', 'more'), 0);
    assert.deepEqual(pushed.items, ['hello'], 'on its way to one who left');
  });

  it('with its connection leaves too, and others do not', async () => {
    const system = setUp();
    const here = new Reader(system, 'listen', 'hello');
    await system.run();
    const items: string[] = [];
    const { shard } = system;
    const other = 9;
    const memory = linkMemory();
    const batches: ArrayBuffer[] = [];
    const toHere = new Link({ postMessage: (batch) => batches.push(batch as ArrayBuffer) }, memory, 1);
    const connection = shard.connect(other, toHere);
    const fromThere = new Link({ postMessage: (batch) => shard.receive(connection, batch as ArrayBuffer) }, memory, 0);
    const life = { ...system.shards[0]!, front: fromThere } as (typeof system.shards)[0];
    for (let correlation = 1; correlation <= 2; correlation++) {
      system.send(life, radio, 'r', 'listen', `hello ${correlation}`, correlation, {});
    }
    fromThere.flush();
    assert.equal(await ask(system, 'say', 'one'), 3);
    for (const batch of batches.splice(0)) {
      readBatch(Buffer.from(batch), FRONT, {
        delivery: () => assert.fail('an envelope'),
        reply: ({ correlation, more }) => items.push(`${correlation} ${more}`),
        credit: () => assert.fail('credit'),
      });
    }
    assert.deepEqual(items, ['1 true', '2 true', '1 true', '2 true']);
    shard.disconnect(other);
    assert.equal(await ask(system, 'say', 'two'), 1);
    assert.deepEqual([here.items, batches], [['hello', 'one', 'two'], []]);
  });
});

describe('a reader that does not read', () => {
  it('gets PUSHED_AHEAD_MAX items and then OVERLOADED, also within one turn, and is pushed to no more (ST5)', async () => {
    for (const turns of [1, 16]) {
      const system = setUp();
      const reader = new Reader(system, 'listen');
      for (let i = 0; i < turns; i++) await ask(system, 'rush', PUSHED_AHEAD_MAX / turns);
      assert.deepEqual([reader.items.length, reader.end], [PUSHED_AHEAD_MAX, undefined]);
      await ask(system, 'rush', 2);
      assert.deepEqual([reader.items.length, reader.end], [PUSHED_AHEAD_MAX, 'OVERLOADED']);
      assert.equal(await ask(system, 'say', 'more'), 0);
    }
  });

  it('is pushed to on, as far as it reads', async () => {
    const system = setUp();
    const reader = new Reader(system, 'listen');
    await ask(system, 'rush', PUSHED_AHEAD_MAX);
    reader.allow(10);
    assert.equal(await ask(system, 'rush', 10), 10);
    assert.equal(reader.end, undefined);
    await ask(system, 'rush', 1);
    assert.deepEqual([reader.items.length, reader.end], [PUSHED_AHEAD_MAX + 10, 'OVERLOADED']);
  });
});

describe('an ask that is kept open', () => {
  it('or answered by a stream does not keep what came with it from another thread (G8)', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const system = setUp();
    const others = 'x'.repeat(200_000);
    const before = process.memoryUsage().arrayBuffers;
    const readers: Reader[] = [];
    for (let i = 0; i < 100; i++) {
      readers.push(new Reader(system, i % 2 === 0 ? 'listen' : 'count'));
      system.tell(radio, 'another', 'whisper', others);
      await system.run();
    }
    await until(async () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers - before < 10 * others.length;
    }, 'the end of what is not needed any more');
    assert.equal(await ask(system, 'whisper', 'hello'), readers.length / 2);
  });
});

describe('the end of an actor', () => {
  it('that stops is told to the readers of what it pushed (ST3)', async () => {
    const system = setUp();
    const reader = new Reader(system, 'listen', 'hello');
    await ask(system, 'stop', null);
    assert.deepEqual([reader.items, reader.end], [['hello'], 'STOPPED']);
    assert.equal(await ask(system, 'say', 'more'), 0);
  });

  it('that is quarantined is told to them, and one that comes then is refused', async () => {
    const system = setUp();
    const readers = [new Reader(system, 'listen', 'hello')];
    await ask(system, 'fail', null);
    await system.pass(10);
    readers.push(new Reader(system, 'listen', 'hello'));
    await ask(system, 'fail', null);
    readers.push(new Reader(system, 'listen', 'hello'));
    await system.run();
    assert.deepEqual(
      readers.map(({ end }) => end),
      ['INTERNAL', 'QUARANTINED', 'QUARANTINED'],
    );
  });

  it('with its worker is told to them', async () => {
    const system = setUp();
    const reader = new Reader(system, 'listen', 'hello');
    await system.run();
    system.bury(system.replace(0));
    assert.deepEqual([reader.items, reader.end], [['hello'], 'WORKER_LOST']);
    assert.equal(await ask(system, 'say', 'more'), 0);
  });

  it('does not come by passivation while somebody listens, and does when the last one has left (G10)', async () => {
    const system = setUp(5_000);
    const reader = new Reader(system, 'listen');
    await ask(system, 'say', 'one');
    const crowd = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) system.tell(radio, `other ${i}`, 'say', 'one');
      await system.run();
    };
    await crowd();
    assert.deepEqual(await ask(system, 'heard', null), { ended: 0, said: ['one'] });
    assert.equal(await ask(system, 'say', 'two'), 1);
    assert.deepEqual(reader.items, ['one', 'two']);
    reader.leave();
    await crowd();
    assert.deepEqual(await ask(system, 'heard', null), { ended: 0, said: [] }, 'it is another life');
  });
});

describe('on real threads, pushed items', { timeout: 60_000 }, () => {
  afterEach(stopAll);
  after(removeDirectories);

  it('come through, and a reader that leaves, or was never read, ends them', async () => {
    const system = await start({ kinds: [RADIO] });
    const it = system.ref(radio, 'r');
    const stream = it.stream('listen', 'hello');
    assert.equal((await stream.next()).value, 'hello');
    assert.equal(await it.ask('rush', 1_000), 1_000);
    await it.ask('end', { last: 'last', refused: false });
    const expected = [...Array.from({ length: 1_000 }, (_, i) => `${i}`), 'last'];
    assert.deepEqual(await collect(stream), expected);
    const left = it.stream('listen', 'hello');
    await left.next();
    assert.equal(await it.ask('say', 'one'), 1);
    await left.return!();
    await until(async () => (await it.ask('say', 'two')) === 0, 'the end of the stream');
    await it.stream('listen', null).return!();
    await until(async () => (await it.ask('whisper', 'three')) === 0, 'the end of one that nobody read');
    const unread = it.stream('listen', null);
    assert.equal(await it.ask('rush', PUSHED_AHEAD_MAX + 1), PUSHED_AHEAD_MAX + 1);
    assert.equal(await it.ask('whisper', 'more'), 0);
    let items = 0;
    const reading = async (): Promise<void> => {
      for await (const _ of unread) items++;
    };
    await assert.rejects(reading, coded('OVERLOADED'));
    assert.equal(items, PUSHED_AHEAD_MAX);
  });

  it('are refused to who asks for one answer, and end', async () => {
    const system = await start({ kinds: [RADIO] });
    const it = system.ref(radio, 'r');
    await assert.rejects(it.ask('listen' as 'heard', 'hello' as never), coded('BAD_REQUEST'));
    await until(async () => (await it.ask('whisper', 'more')) === 0, 'the end of the stream');
  });

  it('end with the reason when the actor stops, fails, or its worker is lost', async () => {
    const system = await start({ kinds: [RADIO] });
    const it = system.ref(radio, 'r');
    for (const [message, code] of [
      ['stop', 'STOPPED'],
      ['fail', 'INTERNAL'],
      ['exit', 'WORKER_LOST'],
    ] as const) {
      const stream = it.stream('listen', 'hello');
      assert.equal((await stream.next()).value, 'hello');
      await it.ask(message, null).catch(() => undefined);
      await assert.rejects(collect(stream), coded(code), message);
    }
  });

  it('do not keep a system from stopping', async () => {
    const system = await start({ kinds: [RADIO] });
    const stream = system.ref(radio, 'r').stream('listen', 'hello');
    assert.equal((await stream.next()).value, 'hello');
    const ended = collect(stream).then(
      () => 'done',
      (error: { readonly code: string }) => error.code,
    );
    await stop(system);
    assert.equal(await ended, 'WORKER_LOST');
  });
});
