// Idle process
//
// A process that holds idle actors, or a Map of what they hold, and nothing else: what it grows by is theirs.

import { createSystem } from '../../src/index.js';
import { serveOrders } from '../harness/child.js';
import { collectGarbage, idle, idleKey, maker, numberOf } from './idle-kinds.js';

export interface IdleOrder {
  readonly held: 'actors' | 'a Map';
  readonly count: number;
}

export interface IdleAnswer {
  /** Resident bytes of the process that are there for each of them. */
  readonly bytesEach: number;
  /** What the heap that holds them uses of that. The rest is what V8 has taken for it and keeps free. */
  readonly heapBytesEach: number;
  readonly baseMiB: number;
  /** How many were asked for what they hold, and held it. */
  readonly sampled: number;
}

const SAMPLE = 1_000;
/** What one collection leaves, the next may take. */
const COLLECTIONS = 2;
/** An actor takes less than this: nothing is let go, whatever the runtime counts it as. */
const RESIDENT_BYTES_EACH_MAX = 10_000;

async function holdActors(count: number): Promise<IdleAnswer> {
  const system = await createSystem({
    kinds: [new URL('./idle-kinds.js', import.meta.url)],
    workers: 1,
    residentBytesMax: Math.max(count, SAMPLE) * RESIDENT_BYTES_EACH_MAX,
  });
  const making = system.ref(maker, 'maker');
  const collect = async (): Promise<number> => {
    let heapBytes = 0;
    for (let turn = 0; turn < COLLECTIONS; turn++) {
      heapBytes = await making.ask('collect');
      collectGarbage();
    }
    return heapBytes;
  };
  const heapBefore = await collect();
  const before = process.memoryUsage.rss();
  await making.ask('make', count, { timeoutMs: Number.POSITIVE_INFINITY });
  const heapAfter = await collect();
  const after = process.memoryUsage.rss();
  const resident = (await system.status()).workers[0]?.residentActors;
  // The maker is one too.
  if (resident !== count + 1) throw new Error(`${count} actors and their maker were to be there: ${resident} are`);
  const sampled = await sample(count, (place) => system.ref(idle, idleKey(place)).ask('held'));
  await system.stop();
  const heapBytesEach = (heapAfter - heapBefore) / count;
  return { bytesEach: (after - before) / count, heapBytesEach, baseMiB: before / 1024 ** 2, sampled };
}

async function holdMap(count: number): Promise<IdleAnswer> {
  for (let turn = 0; turn < COLLECTIONS; turn++) collectGarbage();
  const heapBefore = process.memoryUsage().heapUsed;
  const before = process.memoryUsage.rss();
  const held = new Map<string, number>();
  for (let place = 0; place < count; place++) held.set(idleKey(place), numberOf(place));
  for (let turn = 0; turn < COLLECTIONS; turn++) collectGarbage();
  const after = process.memoryUsage.rss();
  const heapBytesEach = (process.memoryUsage().heapUsed - heapBefore) / count;
  const sampled = await sample(count, async (place) => held.get(idleKey(place)));
  return { bytesEach: (after - before) / count, heapBytesEach, baseMiB: before / 1024 ** 2, sampled };
}

async function sample(count: number, ask: (place: number) => Promise<number | undefined>): Promise<number> {
  const samples = Math.min(count, SAMPLE);
  for (let turn = 0; turn < samples; turn++) {
    const place = Math.floor((turn * count) / samples);
    const held = await ask(place);
    if (held !== numberOf(place)) throw new Error(`${idleKey(place)} was told ${numberOf(place)} and holds ${held}`);
  }
  return samples;
}

serveOrders<IdleOrder, IdleAnswer>(({ held, count }) => (held === 'actors' ? holdActors(count) : holdMap(count)));
