import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { slotOf } from '../../src/runtime/address.js';
import type { Answer } from '../../src/runtime/ref.js';
import { System, type SystemOptions } from '../../src/runtime/system.js';
import { type CounterSettings, counter, unruly } from './counter-worker.js';

const DEADLINE_MS = 15_000;
const STOP_MS = 5_000;
const roots: string[] = [];
const running = new Set<System>();

function directory(): string {
  const root = mkdtempSync(join(tmpdir(), 'troupe-system-'));
  roots.push(root);
  return root;
}

interface Trouble {
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

async function start(
  over: Partial<SystemOptions> & { settings?: CounterSettings; directory?: string } = {},
): Promise<{ system: System; troubles: Trouble[]; fatal: unknown[] }> {
  const troubles: Trouble[] = [];
  const fatal: unknown[] = [];
  const home = over.directory ?? directory();
  const system = await System.start({
    store: {
      directory: home,
      journalDirectory: join(home, 'journal'),
      backups: join(directory(), 'backups'),
      journal: { segmentBytes: 256 * 1024, unappliedBytesMax: 128 * 1024 * 1024, applyAfterMs: 250 },
    },
    workers: 1,
    workerUrl: new URL('./counter-worker.js', import.meta.url),
    settings: {},
    protocols: [counter, unruly],
    counters: ['total'],
    durability: 'durable',
    residentBytesMaxPerWorker: 64 * 1024 * 1024,
    forceEncoding: true,
    isExplained: true,
    seed: 0,
    handlerMsMax: Number.POSITIVE_INFINITY,
    onLog: () => undefined,
    onEscalation: () => undefined,
    onTrouble: (message, details) => troubles.push({ message, details }),
    onFatal: (error) => fatal.push(error),
    ...over,
  });
  running.add(system);
  return { system, troubles, fatal };
}

async function stop(system: System, timeoutMs = STOP_MS): Promise<void> {
  running.delete(system);
  await system.stop(timeoutMs);
}

function value<R>(answer: Answer<R>): R {
  assert.ok(answer.ok, `an ask was refused: ${JSON.stringify(answer)}`);
  return answer.value;
}

const fault = (answer: Answer<unknown>) => (answer.ok ? 'none' : answer.fault.code);

/** Asks until it is served: while a worker is replaced its slots are nobody's. */
async function served<R>(ask: () => Promise<Answer<R>>): Promise<R> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer.ok) return answer.value;
    assert.ok(Date.now() < deadline, `not served in time: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A key of this kind on the given worker of so many. */
function keyOn(kind: string, worker: number, workers: number, nth = 0): string {
  let left = nth;
  for (let i = 0; ; i++) if (slotOf(kind, `k${i}`) % workers === worker && left-- === 0) return `k${i}`;
}

/** The worker threads of this process that live. */
function threadsAlive(): number {
  const report = process.report?.getReport() as unknown as { readonly workers: readonly unknown[] };
  return report.workers.length;
}

/** Known without a turn of the loop. On other systems than Linux there are none to wait for. */
function threadsOfProcess(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
}

describe('a system', { timeout: 120_000 }, () => {
  // What a failed test left running.
  afterEach(async () => {
    for (const system of running) await stop(system, 0);
  });
  after(() => {
    for (const root of roots) rmSync(root, { recursive: true, force: true });
  });

  for (const workers of [1, 3]) {
    it(`answers asks, keeps exact counters, and is all there after a restart, with ${workers} workers (G6, G7)`, async () => {
      const home = directory();
      const first = await start({ directory: home, workers });
      const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
      const adds = keys.flatMap((key) => [1, 2, 3].map((by) => first.system.actors.ask(counter, key, 'add', by)));
      const answers = await Promise.all(adds);
      assert.deepEqual(
        answers.map(value),
        keys.flatMap(() => [1, 3, 6]),
      );
      assert.equal(first.system.counter('total'), 300);
      assert.equal(await first.system.read(['counter', 'key-7']), 6);
      const { workers: reports, journal } = await first.system.status();
      assert.equal(reports.length, workers);
      assert.equal(
        reports.reduce((sum, report) => sum + report!.turns, 0),
        150,
      );
      assert.equal(journal!.records, 150);
      await stop(first.system);

      const second = await start({ directory: home, workers });
      assert.equal(second.system.counter('total'), 300);
      const reads = await Promise.all(keys.map((key) => second.system.actors.ask(counter, key, 'read', null)));
      assert.deepEqual(
        reads.map(value),
        keys.map(() => 6),
      );
      await stop(second.system);
      assert.deepEqual([first.fatal, second.fatal, first.troubles, second.troubles], [[], [], [], []]);
    });
  }

  it('carries tells between workers, in order and all of them', async () => {
    const { system } = await start({ workers: 3 });
    const [from, to] = [keyOn('counter', 0, 3), keyOn('counter', 2, 3)];
    await Promise.all(Array.from({ length: 500 }, () => system.actors.ask(counter, from, 'forward', { to, by: 1 })));
    const deadline = Date.now() + DEADLINE_MS;
    while (value(await system.actors.ask(counter, to, 'read', null)) < 500) assert.ok(Date.now() < deadline);
    assert.equal(system.counter('total'), 1000);
    await stop(system);
  });

  it('answers a repeated idempotency key from the store, and the front door can look it up', async () => {
    const { system } = await start();
    const idempotency = { scope: 's', key: 'k', fingerprint: 'f' };
    assert.equal(await system.storedAnswer(idempotency), undefined);
    assert.equal(value(await system.actors.ask(counter, 'a', 'add', 5, { idempotency })), 5);
    const again = await system.actors.ask(counter, 'a', 'add', 5, { idempotency });
    assert.deepEqual(again, { ok: true, value: 5, replayed: true });
    assert.deepEqual(await system.storedAnswer(idempotency), { ok: true, value: 5, replayed: true });
    assert.equal(fault((await system.storedAnswer({ ...idempotency, fingerprint: 'g' }))!), 'CONFLICT');
    await stop(system);
  });

  it('never grants more than the maximum to several workers at once (C2)', async () => {
    const { system } = await start({ workers: 3 });
    const asks = Array.from({ length: 600 }, (_, i) =>
      system.actors.ask(counter, `k${i % 30}`, 'reserve', { by: 3, max: 700 }),
    );
    const granted = (await Promise.all(asks)).filter((answer) => value(answer)).length;
    assert.equal(granted, Math.floor(700 / 3));
    assert.equal(system.counter('total'), granted * 3);
    await stop(system);
  });

  for (const [how, message, args] of [
    ['exits', 'exit', 3],
    ['throws where nobody catches', 'burst', null],
  ] as const) {
    it(`replaces a worker that ${how}: callers in flight get WORKER_LOST, nothing acknowledged is lost`, async () => {
      const { system, troubles } = await start({ workers: 2 });
      const mine = keyOn('counter', 0, 2);
      assert.equal(value(await system.actors.ask(counter, mine, 'add', 41)), 41);
      const lost = [
        system.actors.ask(unruly, keyOn('unruly', 0, 2), 'never', null),
        system.actors.ask(unruly, keyOn('unruly', 0, 2, 1), message as 'exit', args as number),
      ];
      const other = system.actors.ask(counter, keyOn('counter', 1, 2), 'add', 1);
      assert.deepEqual((await Promise.all(lost)).map(fault), ['WORKER_LOST', 'WORKER_LOST']);
      assert.equal(value(await other), 1);
      assert.equal(await served(() => system.actors.ask(counter, mine, 'read', null)), 41);
      assert.ok(troubles.some((trouble) => trouble.message === 'a worker ended'));
      assert.equal((await system.status()).workerReplacements, 1);
      await stop(system);
    });
  }

  it('keeps every acknowledged number through twenty replacements under load (G1, G6, SV-2)', async () => {
    const { system, fatal } = await start({ workers: 2 });
    const keys = Array.from({ length: 16 }, (_, i) => `k${i}`);
    const acknowledged = new Map(keys.map((key) => [key, 0]));
    const attempted = new Map(keys.map((key) => [key, 0]));
    let isOver = false;
    const load = keys.map(async (key) => {
      while (!isOver) {
        attempted.set(key, attempted.get(key)! + 1);
        const answer = await system.actors.ask(counter, key, 'add', 1);
        if (answer.ok) acknowledged.set(key, acknowledged.get(key)! + 1);
        else await new Promise((resolve) => setImmediate(resolve));
      }
    });
    for (let i = 0; i < 20; i++) assert.equal(await system.replaceWorker(i % 2), true);
    isOver = true;
    await Promise.all(load);
    let total = 0;
    for (const key of keys) {
      const now = await served(() => system.actors.ask(counter, key, 'read', null));
      assert.ok(now >= acknowledged.get(key)!, `${key}: ${now} of ${acknowledged.get(key)} acknowledged`);
      assert.ok(now <= attempted.get(key)!, `${key}: ${now} of ${attempted.get(key)} attempted`);
      total += now;
    }
    assert.equal(system.counter('total'), total);
    assert.ok([...acknowledged.values()].reduce((sum, n) => sum + n) > 0);
    assert.deepEqual(fatal, []);
    assert.equal(await system.replaceWorker(2), false);
    await stop(system);
  });

  it('replaces a worker that is stuck in an endless loop, when asked to', async () => {
    const { system } = await start({ workers: 2 });
    const mine = keyOn('counter', 0, 2);
    await system.actors.ask(counter, mine, 'add', 5);
    const stuck = system.actors.ask(unruly, keyOn('unruly', 0, 2), 'spin', null);
    const waits = system.actors.ask(counter, mine, 'add', 5);
    const deadline = Date.now() + DEADLINE_MS;
    let { workers } = await system.status();
    while (workers[0] !== undefined) {
      assert.ok(Date.now() < deadline, 'the worker is not stuck');
      ({ workers } = await system.status());
    }
    assert.ok(workers[1] !== undefined);
    await system.replaceWorker(0);
    assert.deepEqual([fault(await stuck), fault(await waits)], ['WORKER_LOST', 'WORKER_LOST']);
    assert.equal(value(await system.actors.ask(counter, mine, 'read', null)), 5);
    await stop(system);
  });

  it('answers INTERNAL for a handler that throws, reports each failure, and resumes nobody who is not set aside', async () => {
    const { system, troubles } = await start();
    assert.equal(fault(await system.actors.ask(unruly, 'a', 'throw', null)), 'INTERNAL');
    // They come by another way than the answer.
    const failures = () => troubles.filter(({ message }) => message === 'a turn failed').length;
    const deadline = Date.now() + DEADLINE_MS;
    while (failures() < 3) {
      assert.ok(Date.now() < deadline, `${failures()} failures were reported`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(await system.resume('unruly/a'), false);
    await stop(system);
  });

  it('finishes what was admitted when it stops, slow turns included, and refuses what comes later (SY3)', async () => {
    const home = directory();
    const { system } = await start({ directory: home, workers: 2 });
    const slow = system.actors.ask(unruly, 'a', 'slow', 60);
    const adds = Array.from({ length: 200 }, (_, i) => system.actors.ask(counter, `k${i}`, 'add', 1));
    assert.equal(threadsAlive(), 4);
    const stopping = stop(system);
    assert.equal(fault(await system.actors.ask(counter, 'k0', 'add', 1)), 'DRAINING');
    await stopping;
    assert.equal(threadsAlive(), 0);
    assert.equal(value(await slow), 60);
    assert.deepEqual(
      (await Promise.all(adds)).map(value),
      adds.map(() => 1),
    );
    const again = await start({ directory: home });
    assert.equal(again.system.counter('total'), 200);
    await stop(again.system);
  });

  it('gives the answers of a worker that has ended since, however late this thread gets to them (SY3)', async () => {
    const { system } = await start({ workers: 2 });
    const asks = Array.from({ length: 20 }, (_, i) => system.actors.ask(counter, `k${i}`, 'add', 1));
    const withWorkers = threadsOfProcess();
    const nobody = new Int32Array(new SharedArrayBuffer(4));
    const deadline = performance.now() + STOP_MS;
    const stopping = stop(system);
    // Both workers answer and end while this thread does nothing: its loop then finds their answers and their end at once.
    while (threadsOfProcess() > withWorkers - 2 && performance.now() < deadline) Atomics.wait(nobody, 0, 0, 1);
    await stopping;
    assert.deepEqual(
      (await Promise.all(asks)).map(value),
      asks.map(() => 1),
    );
  });

  it('stops within its limit although a worker is stuck, and answers everyone (SY3)', async () => {
    const { system } = await start({ workers: 2 });
    const asks = [
      system.actors.ask(unruly, keyOn('unruly', 0, 2), 'spin', null),
      system.actors.ask(unruly, keyOn('unruly', 1, 2), 'never', null),
    ];
    const begun = performance.now();
    await stop(system, 200);
    assert.ok(performance.now() - begun < 3_000);
    assert.deepEqual((await Promise.all(asks)).map(fault), ['WORKER_LOST', 'WORKER_LOST']);
  });

  it('stops while a worker is being replaced', async () => {
    const { system } = await start({ workers: 2 });
    const lost = system.actors.ask(unruly, keyOn('unruly', 0, 2), 'exit', 1);
    assert.equal(fault(await lost), 'WORKER_LOST');
    await stop(system);
  });

  it('goes on replacing a worker that dies again and again, and serves when it lives (SV-1)', async () => {
    const { system } = await start();
    for (let death = 0; death < 3; death++) {
      const answer = await system.actors.ask(unruly, 'a', 'exit', 1);
      assert.equal(fault(answer), 'WORKER_LOST');
      assert.equal(await served(() => system.actors.ask(counter, 'a', 'add', 1)), death + 1);
    }
    await stop(system);
  });

  it('does not start over a broken store: the reason is told, no thread is left, and it is not fatal (SY3, JH1)', async () => {
    const broken = directory();
    writeFileSync(join(broken, 'data.mdb'), 'this is no store');
    let fatal = 0;
    const onFatal = () => {
      fatal++;
    };
    await assert.rejects(start({ directory: broken, onFatal }), /data\.mdb/);
    await assert.rejects(start({ directory: join(broken, 'not-there'), onFatal }));
    assert.equal(fatal, 0);
    assert.equal(threadsAlive(), 0);
  });

  it('does not start when its workers cannot, and leaves the directory to the next (SY3)', async () => {
    const home = directory();
    await assert.rejects(start({ directory: home, workers: 2, settings: { broken: true } }), (error: Error) => {
      return /worker/.test(error.message) && /the worker is broken/.test(String(error.cause));
    });
    assert.equal(threadsAlive(), 0);
    const { system } = await start({ directory: home });
    assert.equal(value(await system.actors.ask(counter, 'a', 'add', 1)), 1);
    await stop(system);
  });
});
