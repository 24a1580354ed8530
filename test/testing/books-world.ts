// A world of books under one schedule: asks, losses, failures of the disk and crashes, and what must be true at the end.
// Every item is asked for once, so that it is known of each of them whether it may, must, or must not be in its book.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CodedError } from '../../src/errors.js';
import { createTestSystem, type TestSystem } from '../../src/testing/testing.js';
import { makeKinds, Witness } from './guarantee-kinds.js';

export const KEYS = ['a', 'b', 'c'];
export const WORKERS = 2;
const MOVES_MAX = 24;
const STEPS_AT_ONCE_MAX = 12;

export type Move =
  | { readonly kind: 'add' | 'add slowly' | 'fail'; readonly key: number }
  | { readonly kind: 'steps'; readonly count: number }
  | { readonly kind: 'lose'; readonly worker: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'crash' | 'disk fails' };

export interface Schedule {
  readonly seed: number;
  readonly moves: readonly Move[];
}

const key = fc.nat({ max: KEYS.length - 1 });
const anyMove: { readonly [K in Move['kind']]: fc.Arbitrary<Move> } = {
  add: fc.record({ kind: fc.constant('add' as const), key }),
  'add slowly': fc.record({ kind: fc.constant('add slowly' as const), key }),
  fail: fc.record({ kind: fc.constant('fail' as const), key }),
  steps: fc.record({ kind: fc.constant('steps' as const), count: fc.integer({ min: 1, max: STEPS_AT_ONCE_MAX }) }),
  lose: fc.record({ kind: fc.constant('lose' as const), worker: fc.nat({ max: WORKERS - 1 }) }),
  pass: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: 500 }) }),
  crash: fc.constant({ kind: 'crash' as const }),
  'disk fails': fc.constant({ kind: 'disk fails' as const }),
};

/** Schedules of such moves, each as often as its weight says. */
export function schedules(weights: { readonly [K in Move['kind']]?: number }): fc.Arbitrary<Schedule> {
  const weighted = (Object.keys(weights) as Move['kind'][]).map((kind) => ({
    weight: weights[kind]!,
    arbitrary: anyMove[kind],
  }));
  return fc.record({
    seed: fc.integer(),
    moves: fc.array(fc.oneof(...weighted), { maxLength: MOVES_MAX, size: 'max' }),
  });
}

interface Asked {
  readonly key: string;
  readonly item: number;
  readonly kind: Move['kind'];
  /** The place in the book, or the code of the fault. */
  answer: number | string | undefined;
}

/** What was certainly not done when its ask was answered so. */
const NOT_DONE = new Set(['COMMIT_FAILED', 'OVERLOADED', 'SLOT_MOVING', 'INTERNAL', 'QUARANTINED']);
/** Nobody knows. */
const UNKNOWN = 'WORKER_LOST';

export class BooksWorld {
  readonly witness = new Witness();
  readonly system: TestSystem;
  readonly asked: Asked[] = [];
  readonly #kinds: ReturnType<typeof makeKinds>;
  readonly #answers: Promise<void>[] = [];

  constructor({ seed, moves }: Schedule, residentBytesMax?: number) {
    const kinds = makeKinds(this.witness, !moves.some(({ kind }) => kind === 'lose'));
    this.#kinds = kinds;
    this.system = createTestSystem({
      kinds: Object.values(kinds),
      seed,
      workers: WORKERS,
      ...(residentBytesMax !== undefined && { residentBytesMax }),
    });
    this.witness.isDurable = (of, item) => this.items(of).includes(item);
  }

  async make(move: Move): Promise<void> {
    const { system } = this;
    switch (move.kind) {
      case 'add':
      case 'add slowly':
      case 'fail':
        this.#ask(move.kind, KEYS[move.key]!);
        break;
      case 'steps':
        await system.steps(move.count);
        break;
      case 'lose':
        system.loseWorker(move.worker);
        break;
      case 'pass':
        system.clock.advance(move.ms);
        break;
      case 'crash':
        this.crash();
        break;
      case 'disk fails':
        system.failNextCommit();
        break;
      default:
        move satisfies never;
    }
  }

  crash(): void {
    this.system.crash();
    this.witness.forgetRunning();
  }

  /** Everything that can still happen does. */
  async end(): Promise<void> {
    await this.system.until(Promise.all(this.#answers));
    // Tells that failed are tried again after pauses.
    await this.system.pass(1_000);
  }

  /** What is durable in a book. */
  items(of: string): number[] {
    return this.#column('book', of);
  }

  verify(): void {
    assert.deepEqual(this.witness.violations, []);
    let total = 0;
    for (const of of KEYS) {
      const items = this.items(of);
      assert.equal(new Set(items).size, items.length, `something is twice in ${of}: ${items}`);
      assert.deepEqual(this.#column('mirror', of), items, `half of something is in ${of}`);
      for (const [from, item] of this.#column<[string, number]>('copy', of)) {
        assert.ok(items.includes(item), `${from} told of ${item}, which never happened`);
      }
      total += items.length;
    }
    assert.equal(this.system.counter('entries'), total, 'the count of entries is not their number');
    for (const asked of this.asked) this.#verifyAnswer(asked);
  }

  /** Everything that was acknowledged so far is durable at its place. */
  verifyAcknowledged(): void {
    for (const asked of this.asked) if (typeof asked.answer === 'number') this.#verifyAnswer(asked);
  }

  #verifyAnswer({ key: of, item, kind, answer }: Asked): void {
    const items = this.items(of);
    const what = `${kind} ${item} of ${of}, which was answered ${answer}`;
    if (typeof answer === 'number' && answer > 0) {
      assert.equal(items[answer - 1], item, `acknowledged, and not there: ${what}; there is ${items}`);
    } else if (answer === -1 || NOT_DONE.has(String(answer))) {
      assert.ok(!items.includes(item), `refused, and there: ${what}`);
    } else {
      assert.equal(answer, UNKNOWN, `never answered: ${what}`);
    }
  }

  #column<T = number>(table: string, of: string): T[] {
    const found: T[] = [];
    for (;;) {
      const value = this.system.stored([table, of, found.length + 1]);
      if (value === undefined) return found;
      found.push(value as T);
    }
  }

  #ask(kind: 'add' | 'add slowly' | 'fail', of: string): void {
    const asked: Asked = { key: of, item: this.asked.length + 1, kind, answer: undefined };
    this.asked.push(asked);
    const ref = this.system.ref(this.#kinds.book, of);
    const message = kind === 'add slowly' ? 'addSlowly' : kind;
    this.#answers.push(
      ref.ask(message, asked.item).then(
        (place) => {
          asked.answer = place;
        },
        (error: unknown) => {
          asked.answer = error instanceof CodedError ? error.code : String(error);
        },
      ),
    );
  }
}
