// G4, G8 and G10 on real threads: what waits, what is on its way and what is resident has a bound, exactly, and what does
// not fit is said or kept as a dead letter.

import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { type ActorSystem, CodedError } from '../../src/index.js';
import { ASKS_MAX } from '../../src/runtime/asks.js';
import { CELL_BYTES } from '../../src/runtime/cell.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { STREAM_WINDOW } from '../../src/runtime/incoming-stream.js';
import { LINK_BYTES_MAX } from '../../src/runtime/link.js';
import { BOX_BYTES_MAX, BOX_CAPACITY, box, echo, gate, LODGER_BYTES, lodger, teller } from './guarantee-kinds.js';
import { keyOn, startWorld } from './guarantee-system.js';
import { removeDirectories, stopAll, until } from './library-system.js';

const WORKERS = 3;
const TOLD = 40;
const LODGERS = 2_000;
const ROUNDS = 6;
const LODGING_BYTES_MAX = 100_000;
/** What a state counts whose size nobody tells. */
const STATE_BYTES = 64;
/** What an envelope takes beside what it says. */
const ENVELOPE_BYTES_MAX = 100;

const workers = Array.from({ length: WORKERS }, (_, worker) => worker);

async function deadLetters(system: ActorSystem): Promise<number> {
  const reports = (await system.status()).workers;
  return reports.reduce((sum, report) => sum + (report?.deadLetters ?? 0), 0);
}

/** Resolves with the codes of the refusals, each of which must name a time to come again. */
async function refusals(asks: readonly Promise<unknown>[]): Promise<string[]> {
  const codes: string[] = [];
  for (const settled of await Promise.allSettled(asks)) {
    if (settled.status === 'fulfilled') continue;
    const error: unknown = settled.reason;
    assert.ok(error instanceof CodedError, String(error));
    assert.ok(
      [429, 503].includes(error.status) && error.retryAfterMs! > 0,
      `${error.code} names no time to come again`,
    );
    codes.push(error.code);
  }
  return codes;
}

/** This box is in the middle of a turn until its gate is opened. */
async function hold(system: ActorSystem, key: string): Promise<void> {
  system.ref(box, key).tell('hold');
  await until(async () => (await system.ref(gate, key).ask('waiting')) === 1, 'the turn to be held');
}

/** Says to a box, from outside and from every worker, ten times what it takes, while it is in the middle of a turn. */
async function flood(system: ActorSystem, key: string): Promise<void> {
  const deadBefore = await deadLetters(system);
  const refused = new Set<string>();
  const sent: string[] = [];
  const saying = (name: string): string => {
    sent.push(name);
    return name;
  };
  // The same timer of the same thread, set later: when it has rung, so has the first.
  const clock = `${key}:clock`;
  await system.ref(box, key).ask('arm');
  await system.ref(box, clock).ask('arm');
  await hold(system, key);

  const asked: Promise<void>[] = [];
  const ask = (item: string, asking: Promise<string>): void => {
    const refuse = (code: string): void => void (code === 'OVERLOADED' && refused.add(item));
    asked.push(asking.then(refuse, (error: CodedError) => refuse(error.code)));
  };
  for (const each of workers) {
    const from = system.ref(teller, keyOn(teller, each, WORKERS));
    const items = Array.from({ length: TOLD }, (_, i) => saying(`teller ${each} tells ${i}`));
    await from.ask('flood', { to: key, items });
    const item = saying(`teller ${each} asks`);
    ask(item, from.ask('ask', { to: key, item }));
  }
  for (let i = 0; i < TOLD; i++) {
    const told = saying(`told ${i}`);
    if (!system.ref(box, key).tell('put', { item: told })) refused.add(told);
    const item = saying(`asked ${i}`);
    ask(item, system.ref(box, key).ask('put', { item }));
  }
  const accepted = async (): Promise<number> => sent.length - refused.size - ((await deadLetters(system)) - deadBefore);
  await until(async () => (await accepted()) <= BOX_CAPACITY, 'the fate of all that do not fit');
  await until(async () => (await system.ref(box, clock).ask('handled')).includes('ring'), 'the timers');
  assert.equal(await accepted(), BOX_CAPACITY);

  await system.ref(gate, key).ask('open');
  await Promise.all(asked);
  assert.equal(await accepted(), BOX_CAPACITY);
  // Control envelopes find room in a full mailbox, and leave it first.
  const handled = await admitted(() => system.ref(box, key).ask('handled'));
  assert.deepEqual(handled.slice(0, 2).sort(), ['hold', 'ring']);
  const letters = (await system.deadLetters.list()).filter(({ address }) => address === `box/${key}`);
  assert.ok(letters.every(({ reason }) => reason === 'OVERLOADED'));
  const dead = letters.map(({ args }) => (args as { readonly item: string }).item);
  assert.deepEqual([...handled.slice(2), ...dead, ...refused].sort(), [...sent].sort(), 'each has one fate');
}

/** Asks until there is room. */
function admitted<R>(ask: () => Promise<R>): Promise<R> {
  return until(async () => {
    const answer = await ask().catch((error: CodedError) => error);
    if (!(answer instanceof CodedError)) return { answer };
    assert.equal(answer.code, 'OVERLOADED');
    return undefined;
  }, 'room').then(({ answer }) => answer);
}

describe('on real threads', { timeout: 60_000 }, () => {
  afterEach(stopAll);
  after(removeDirectories);

  it('a mailbox takes exactly what it says and loses nothing: accepted + refused + dead letters = sent (G4)', async () => {
    const { system } = await startWorld({ workers: WORKERS });
    for (const worker of workers) await flood(system, keyOn(box, worker, WORKERS, 'a'));
  });

  it('a mailbox holds no more bytes than it says; what is refused is told when to come again (G8)', async () => {
    const { system } = await startWorld({ workers: WORKERS });
    const ballast = '.'.repeat(BOX_BYTES_MAX / 10);
    const bytes = encodeValue({ item: '0', ballast }).length;
    await hold(system, 'a');
    const asks = Array.from({ length: 30 }, (_, i) => system.ref(box, 'a').ask('put', { item: `${i % 10}`, ballast }));
    const refusing = refusals(asks);
    const last = system.ref(box, 'a').ask('put', { item: 'last', ballast });
    assert.deepEqual(await refusals([last]), ['OVERLOADED']);
    await system.ref(gate, 'a').ask('open');
    const codes = await refusing;
    assert.ok(codes.every((code) => code === 'OVERLOADED'));
    const taken = asks.length - codes.length;
    assert.ok(taken * bytes <= BOX_BYTES_MAX, `${taken} of ${bytes} bytes`);
    assert.ok((taken + 1) * (bytes + ENVELOPE_BYTES_MAX) > BOX_BYTES_MAX, `only ${taken} of ${bytes} bytes`);
  });

  it('what is on its way to a thread that stands still has a bound, in bytes and in asks, and all of it has one fate (G8)', async () => {
    const { system, witness } = await startWorld({ workers: WORKERS });
    const key = keyOn(box, 0, WORKERS, 'a');
    const stall = async (): Promise<void> => {
      system.ref(box, key).tell('stall');
      await until(async () => witness.isStalled, 'the thread to stand still');
    };
    await stall();
    const ballast = '.'.repeat(1024 * 1024);
    let told = 0;
    while (system.ref(box, key).tell('put', { item: '', ballast })) told++;
    assert.ok(told * ballast.length <= LINK_BYTES_MAX && (told + 1) * ballast.length >= LINK_BYTES_MAX, `${told} MiB`);
    assert.deepEqual(await refusals([system.ref(box, key).ask('put', { item: '', ballast })]), ['OVERLOADED']);
    assert.ok(witness.isStalled);
    // The others do not feel it.
    assert.equal(await system.ref(echo, keyOn(echo, 1, WORKERS)).ask('say', 7), 7);
    witness.free();
    const handled = await admitted(() => system.ref(box, key).ask('handled'));
    assert.equal(handled.length + (await deadLetters(system)), told);

    await stall();
    const asks = Array.from({ length: ASKS_MAX + 10 }, () => system.ref(box, key).ask('put', { item: '' }));
    const refusing = refusals(asks);
    assert.equal((await refusals(asks.slice(ASKS_MAX))).length, 10);
    assert.ok(witness.isStalled);
    witness.free();
    const codes = await refusing;
    assert.ok(codes.every((code) => code === 'OVERLOADED') && codes.length < asks.length);
    assert.equal((await system.ref(box, key).ask('handled')).length - handled.length, asks.length - codes.length);
    assert.equal((await system.status()).asksWaiting, 0);
  });

  it('a stream runs ahead of its reader by no more than its window (G8)', async () => {
    const { system } = await startWorld({ workers: WORKERS });
    const stream = system.ref(box, 'a').stream('flow');
    const given = async (): Promise<number> => (await system.ref(box, 'a').ask('handled')).length;
    let read = 0;
    for (const reads of [0, 1, 10, STREAM_WINDOW]) {
      for (let i = 0; i < reads; i++) await stream.next();
      read += reads;
      const ahead = read + STREAM_WINDOW / 2;
      await until(async () => (await given()) >= ahead, 'the generator');
      for (let looks = 0; looks < 20; looks++) {
        const count = await given();
        assert.ok(count <= read + STREAM_WINDOW, `${count} items for ${read} that were read`);
      }
    }
    await stream.return?.();
  });

  it('while a worker is replaced, its callers are told when to come again (G8)', async () => {
    const { system, replace } = await startWorld({ workers: WORKERS });
    const key = keyOn(echo, 0, WORKERS);
    const asks = [system.ref(box, keyOn(box, 0, WORKERS)).ask('stall')];
    const replacing = replace(0);
    asks.push(system.ref(box, keyOn(box, 0, WORKERS)).ask('stall'));
    assert.deepEqual(await refusals(asks), ['WORKER_LOST', 'SLOT_MOVING']);
    await replacing;
    assert.equal(await system.ref(echo, key).ask('say', 7), 7);
  });

  it('idle actors leave memory, which holds a bound of bytes and not all that exist, and come back as they were (G10)', async () => {
    const { system } = await startWorld({ workers: WORKERS, residentBytesMaxPerWorker: LODGING_BYTES_MAX });
    const keys = Array.from({ length: LODGERS }, (_, i) => `l${i}`);
    const pay = (amount: number) => Promise.all(keys.map((key) => system.ref(lodger, key).ask('pay', amount)));
    const isWithin = async (): Promise<boolean> => {
      // A turn lets idle ones go, once the tables hold what they wrote.
      await Promise.all(workers.map((worker) => system.ref(lodger, keyOn(lodger, worker, WORKERS, 'm')).ask('paid')));
      return (await system.status()).workers.every((report) => report!.residentBytes <= LODGING_BYTES_MAX);
    };
    for (let round = 1; round <= ROUNDS; round++) {
      const paid = await pay(1);
      assert.ok(
        paid.every((sum) => sum === round),
        'one came back with less than it had',
      );
      await until(isWithin, 'idle actors to leave');
      const residents = (await system.status()).workers.reduce((sum, report) => sum + report!.residentActors, 0);
      assert.ok(residents <= (WORKERS * LODGING_BYTES_MAX) / LODGER_BYTES, `${residents} are resident`);
      assert.ok(residents > 0);
    }
    assert.ok(
      (await Promise.all(keys.map((key) => system.ref(lodger, key).ask('paid')))).every((sum) => sum === ROUNDS),
    );
    await until(isWithin, 'idle actors to leave again');
  });

  it('of actors that keep nothing, which cannot leave, no new one is made past the bound, and its caller is told so (G8, G10)', async () => {
    const { system } = await startWorld({ workers: WORKERS, residentBytesMaxPerWorker: LODGING_BYTES_MAX });
    const asks = Array.from({ length: LODGERS }, (_, i) => system.ref(box, `k${i}`).ask('put', { item: 'one' }));
    const codes = await refusals(asks);
    assert.ok(codes.length > 0 && codes.every((code) => code === 'OVERLOADED'));
    const made = asks.length - codes.length;
    assert.ok(made > 0);
    for (const report of (await system.status()).workers) {
      // Those that were made before any of them had a state have one now.
      const bytesMax = LODGING_BYTES_MAX + report!.residentActors * STATE_BYTES + 2 * CELL_BYTES;
      assert.ok(report!.residentBytes <= bytesMax, `${report!.residentBytes} bytes are resident`);
    }
    const settled = await Promise.allSettled(asks);
    const there = settled.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
    const again = await Promise.all(there.map((i) => system.ref(box, `k${i}`).ask('handled')));
    assert.ok(
      again.every((handled) => handled.length === 1),
      'one that was there is not as it was',
    );
  });
});
