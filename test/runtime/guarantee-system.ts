// Systems of the actors of guarantee-kinds.ts on real threads, whose workers can be ended from outside, with a witness
// that every thread shares.

import assert from 'node:assert/strict';
import { ActorSystem } from '../../src/runtime/actor-system.js';
import { loadKinds } from '../../src/runtime/kind-modules.js';
import { type AnyProtocol, slotFor } from '../../src/runtime/protocol.js';
import { openDataDirectory } from '../../src/runtime/storage/data-directory.js';
import { System } from '../../src/runtime/system.js';
import { book, copy } from './guarantee-kinds.js';
import { coded, directory, until, willStop } from './library-system.js';
import { ThreadWitness } from './thread-witness.js';

export const GUARANTEE_KINDS = new URL('./guarantee-kinds.js', import.meta.url);
/** Soon, so that tables follow within a test. */
const APPLY_AFTER_MS = 20;

export interface Trouble {
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface World {
  readonly system: ActorSystem;
  readonly witness: ThreadWitness;
  readonly troubles: readonly Trouble[];
  /** Ends a worker, whatever it does; resolves when another one has its slots. */
  replace(worker: number): Promise<void>;
}

export interface WorldOptions {
  readonly workers?: number;
  readonly residentBytesMaxPerWorker?: number;
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { workers = 3, residentBytesMaxPerWorker = 64 * 1024 * 1024 } = options;
  const witness = new ThreadWitness();
  const troubles: Trouble[] = [];
  const data = openDataDirectory(directory());
  const kinds = await loadKinds([GUARANTEE_KINDS.href]);
  const inner = await System.start({
    store: {
      directory: data.tables,
      journalDirectory: data.journal,
      backups: data.backups,
      journal: { segmentBytes: 1024 * 1024, unappliedBytesMax: 128 * 1024 * 1024, applyAfterMs: APPLY_AFTER_MS },
    },
    workers,
    workerUrl: new URL('../../src/runtime/threads/kinds-worker.js', import.meta.url),
    settings: { kinds: [GUARANTEE_KINDS.href], witness: witness.memory },
    protocols: kinds.map(({ protocol }): AnyProtocol => protocol),
    counters: [...new Set(kinds.flatMap(({ counters = [] }) => counters))],
    durability: 'durable',
    residentBytesMaxPerWorker,
    forceEncoding: false,
    isExplained: true,
    seed: 0,
    handlerMsMax: Number.POSITIVE_INFINITY,
    onLog: () => undefined,
    onEscalation: () => undefined,
    onTrouble: (message, details) => troubles.push({ message, details }),
    onFatal: (error) => {
      throw error;
    },
  });
  const system = willStop(new ActorSystem(inner, 0, () => data.release()));
  const replace = async (worker: number): Promise<void> => assert.ok(await inner.replaceWorker(worker));
  return { system, witness, troubles, replace };
}

/** A key of this kind on the given worker of so many. */
export function keyOn(kind: AnyProtocol, worker: number, workers: number, letter = 'k'): string {
  for (let i = 0; ; i++) if (slotFor(kind, `${letter}${i}`) % workers === worker) return `${letter}${i}`;
}

/** Asks until it is served: while a worker is replaced its slots are nobody's. */
export async function served<R>(ask: () => Promise<R>): Promise<R> {
  const isGone = (error: unknown): boolean => coded('SLOT_MOVING')(error) || coded('WORKER_LOST')(error);
  const { answer } = await until(async () => {
    try {
      return { answer: await ask() };
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }, 'an answer');
  return answer;
}

/** An item that a book was asked to add: its place, or -1, or the code of the fault. */
export interface Added {
  readonly key: string;
  readonly item: number;
  readonly answer: number | string;
}

/** What was certainly not done when it was answered so. */
const NOT_DONE = new Set<number | string>([-1, 'COMMIT_FAILED', 'OVERLOADED', 'SLOT_MOVING', 'INTERNAL']);

/** Books, their mirrors, copies and count hold the same, and what was answered (G5, G6, G7). */
export async function verifyBooks(
  system: ActorSystem,
  keys: readonly string[],
  added: readonly Added[],
): Promise<void> {
  let total = 0;
  for (const key of keys) {
    const rows = await served(() => system.ref(book, key).ask('rows'));
    const items = rows.map(([item]) => item);
    total += items.length;
    assert.equal(new Set(items).size, items.length, `something is twice in ${key}: ${items}`);
    assert.deepEqual(await served(() => system.ref(book, key).ask('mirror')), items, `half of something is in ${key}`);
    const notes = await served(() => system.ref(copy, key).ask('notes'));
    for (const [, item] of notes) assert.ok(items.includes(item), `${key} told of ${item}, which never happened`);
    for (const each of added) if (each.key === key) assertAnswer(each, items);
  }
  assert.equal(await served(() => system.ref(book, keys[0]!).ask('entries')), total, 'the count is not the number');
}

/** Nothing that an older life of a book wrote is behind what a newer one wrote (G1). */
export async function verifyLives(system: ActorSystem, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const lives = (await served(() => system.ref(book, key).ask('rows'))).map(([, life]) => life);
    const sorted = [...lives].sort((a, b) => a - b);
    assert.deepEqual(lives, sorted, `an older life of ${key} wrote behind a newer one`);
  }
}

function assertAnswer({ key, item, answer }: Added, items: readonly number[]): void {
  const what = `${item} of ${key}, which was answered ${answer}`;
  if (typeof answer === 'number' && answer > 0)
    assert.equal(items[answer - 1], item, `acknowledged, not there: ${what}`);
  else if (NOT_DONE.has(answer)) assert.ok(!items.includes(item), `refused, and there: ${what}`);
  else assert.equal(answer, 'WORKER_LOST', `never answered: ${what}`);
}
