// A system of shelves and counters whose tables follow the journal only when the test says so.

import assert from 'node:assert/strict';
import { slotOf } from '../../src/runtime/address.js';
import type { Answer } from '../../src/runtime/ref.js';
import { LocalSystem } from './local-system.js';
import { makeShelves, shelf } from './shelf-kind.js';
import { makeToys } from './toy-kinds.js';

export function setUp(options: { workers?: number; capacity?: number; residentBytesMax?: number } = {}) {
  const { workers = 1, capacity, residentBytesMax = 1024 * 1024 } = options;
  const shelves = makeShelves(capacity === undefined ? {} : { capacity });
  const toys = makeToys();
  const system = new LocalSystem({ kinds: [shelves.kind, toys.kind], workers, residentBytesMax });
  system.autoApply = false;
  const act = (key: string, puts: readonly (readonly [string, number])[], drops: readonly string[] = []) =>
    system.ask(shelf, key, 'act', { puts, drops, look: { limit: 100 } });
  return { shelves, toys, system, act };
}

/** The answer, once everything has come to rest. */
export async function done<T>(system: LocalSystem, asked: Promise<Answer<T>>): Promise<T> {
  await system.run();
  const answer = await asked;
  assert.ok(answer.ok, `refused: ${JSON.stringify(answer)}`);
  return answer.value;
}

/** Answers in the order in which they came. */
export function collect(order: string[], name: string, answer: Promise<Answer<unknown>>): void {
  void answer.then((came) => order.push(`${name}:${came.ok ? JSON.stringify(came.value) : came.fault.code}`));
}

/** A key of a kind that the given worker owns. */
export function keyOn(system: LocalSystem, worker: number, kind = 'shelf'): string {
  for (let i = 0; ; i++) if (system.map.owner(slotOf(kind, `k${i}`)) === worker) return `k${i}`;
}
