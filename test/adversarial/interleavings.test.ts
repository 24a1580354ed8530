// Random interleavings of asks, tells, commits, tables that follow them, failures of the disk, and replacements of workers
// whose former lives go on for a while. Every ask adds a power of two of its own, so that the sums tell exactly which of
// them happened, and what somebody saw of them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Answer } from '../../src/runtime/ref.js';
import { LocalSystem } from '../runtime/local-system.js';
import { counter, makeToys, type Toys } from '../runtime/toy-kinds.js';

const CASES = 400;
const STEPS_MAX = 60;
/** Sums of distinct powers of two up to this many are exact. */
const ASKS_MAX = 50;
const WORKERS = 2;
const KEYS = ['a', 'b', 'c', 'd', 'e'];
const ROOM = 2 ** 40;

type Step =
  | { readonly kind: 'add' | 'slow' | 'reserve' | 'fail'; readonly key: number }
  | { readonly kind: 'forward'; readonly key: number /** How many keys further. */; readonly to: number }
  | { readonly kind: 'observe'; readonly key: number /** How many keys further; 0: all. */; readonly of: number }
  | { readonly kind: 'round' | 'commit' | 'group' | 'acknowledge' | 'disk fails' | 'slow ends' | 'bury' | 'pass' }
  /** The tables follow, and the shards are told or not yet. */
  | { readonly kind: 'apply' | 'apply untold' }
  | { readonly kind: 'replace'; readonly worker: number }
  | { readonly kind: 'haunt'; readonly key: number };

const key = fc.nat({ max: KEYS.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom('add' as const, 'slow' as const, 'reserve' as const), key }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('forward' as const),
      key,
      to: fc.integer({ min: 1, max: KEYS.length - 1 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('observe' as const),
      key,
      of: fc.integer({ min: 0, max: KEYS.length - 1 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('apply' as const, 'apply untold' as const) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('round' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'commit' as const,
        'group' as const,
        'acknowledge' as const,
        'slow ends' as const,
        'pass' as const,
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('disk fails' as const, 'bury' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const), worker: fc.nat({ max: WORKERS - 1 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('haunt' as const), key }) },
);

/** One ask: what it adds, and where. */
interface Asked {
  readonly key: string;
  readonly by: number;
  readonly kind: Step['kind'];
  /** For a forward: who is told. */
  readonly to: string | undefined;
  answer: Answer<unknown> | undefined;
}

/** What somebody saw of the values, and what had been acknowledged when it asked. */
interface Observed {
  readonly acknowledged: ReadonlyMap<string, number>;
  readonly of: string | undefined;
  answer: Answer<unknown> | undefined;
}

class Scene {
  readonly toys: Toys;
  readonly system: LocalSystem;
  readonly asked: Asked[] = [];
  readonly observed: Observed[] = [];
  #bits = 0;

  constructor(residentBytesMax: number) {
    this.toys = makeToys({ reserveFrom: 'room', capacity: 8 });
    this.system = new LocalSystem({
      kinds: [this.toys.kind],
      workers: WORKERS,
      counters: ['total', 'room'],
      residentBytesMax,
    });
    this.system.autoCommit = false;
    this.system.autoApply = false;
  }

  async take(step: Step): Promise<void> {
    const { system } = this;
    switch (step.kind) {
      case 'add':
      case 'slow':
      case 'reserve':
      case 'forward':
        this.#ask(
          step.kind,
          KEYS[step.key]!,
          step.kind === 'forward' ? KEYS[(step.key + step.to) % KEYS.length]! : undefined,
        );
        break;
      case 'observe':
        this.#observe(KEYS[step.key]!, step.of === 0 ? undefined : KEYS[(step.key + step.of) % KEYS.length]!);
        break;
      case 'apply':
        system.apply();
        break;
      case 'apply untold':
        system.applier.applyOnce();
        break;
      case 'fail':
        system.tell(counter, KEYS[step.key]!, 'failAfterState', null);
        break;
      case 'round':
        await system.round();
        break;
      case 'commit':
        system.commit();
        break;
      case 'group':
        system.journal.commitGroup();
        break;
      case 'acknowledge':
        system.acknowledge();
        break;
      case 'disk fails':
        system.log.failuresLeft = 1;
        break;
      case 'slow ends':
        this.toys.latches.shift()?.end();
        break;
      case 'pass':
        system.clock.advance(50);
        break;
      case 'bury':
        if (system.zombies[0] !== undefined) system.bury(system.zombies[0]);
        break;
      case 'replace':
        // The fence must reach the disk; the journal's thread tries until it does.
        system.log.failuresLeft = 0;
        system.replace(step.worker);
        break;
      case 'haunt':
        this.#haunt(KEYS[step.key]!);
        break;
      default:
        step satisfies never;
    }
    assert.ok(system.counters.used(1) <= ROOM, 'more was reserved than there is');
  }

  /** Everything that can still happen does. */
  async end(): Promise<void> {
    const { system } = this;
    while (system.zombies[0] !== undefined) system.bury(system.zombies[0]);
    system.autoCommit = true;
    system.autoApply = true;
    system.apply();
    for (let i = 0; i < 1000; i++) {
      await system.run();
      for (const latch of this.toys.latches.splice(0)) latch.end();
      // What waits for an actor that is set aside waits until somebody helps it.
      if (system.asks.size === 0 && system.shards.every(({ shard }) => shard.isIdle) && !this.#helpOn()) break;
      system.clock.advance(100);
    }
    system.acknowledge();
    await system.run();
  }

  /** Skips what actors failed at that were set aside; false when there are none. */
  #helpOn(): boolean {
    const aside = this.system.shards.flatMap(({ shard }) =>
      shard.quarantine.list().map(({ address }) => shard.resume(address, true)),
    );
    return aside.length > 0;
  }

  #ask(kind: Step['kind'], key: string, to: string | undefined): void {
    if (this.#bits === ASKS_MAX) return;
    const by = 2 ** this.#bits++;
    const asked: Asked = { key, by, kind, to, answer: undefined };
    this.asked.push(asked);
    const { system } = this;
    const answer: Promise<Answer<unknown>> =
      kind === 'add'
        ? system.ask(counter, key, 'add', by)
        : kind === 'slow'
          ? system.ask(counter, key, 'slowAdd', by)
          : kind === 'reserve'
            ? system.ask(counter, key, 'reserve', { by, max: ROOM })
            : system.ask(counter, key, 'addAndTell', { to: to!, by });
    void answer.then((came) => {
      asked.answer = came;
    });
  }

  #observe(key: string, of: string | undefined): void {
    const acknowledged = new Map<string, number>();
    for (const { key: of, by, answer } of this.asked) {
      if (answer?.ok === true && answer.value !== false) acknowledged.set(of, (acknowledged.get(of) ?? 0) + by);
    }
    const observed: Observed = { acknowledged, of, answer: undefined };
    this.observed.push(observed);
    const answer: Promise<Answer<unknown>> =
      of === undefined
        ? this.system.ask(counter, key, 'observeAll', null)
        : this.system.ask(counter, key, 'observe', of);
    void answer.then((came) => {
      observed.answer = came;
    });
  }

  /** A former life gets an envelope that it takes for its own: nothing of it may ever be written. */
  #haunt(key: string): void {
    const zombie = this.system.zombies.at(-1);
    if (zombie === undefined || this.#bits === ASKS_MAX) return;
    const by = 2 ** this.#bits++;
    this.asked.push({ key, by, kind: 'haunt', to: undefined, answer: { ok: false, fault: { code: 'SLOT_MOVING' } } });
    this.system.send(zombie, counter, key, 'add', by, 0, {});
  }
}

/** What the events say was added, by key. Fails when there is a gap in their numbers. */
function eventsOf(system: LocalSystem): Map<string, number[]> {
  const added = new Map<string, number[]>();
  const { seq } = system.journal.stats;
  for (let number = 1; number <= seq; number++) {
    const event = system.event(number) as [number, string, string, { by: number }] | undefined;
    assert.ok(event !== undefined, `event ${number} of ${seq} is missing`);
    added.set(event[2], [...(added.get(event[2]) ?? []), event[3].by]);
  }
  assert.equal(system.event(seq + 1), undefined);
  return added;
}

const NOT_DONE = new Set(['COMMIT_FAILED', 'OVERLOADED', 'SLOT_MOVING', 'INTERNAL', 'QUARANTINED']);

/** Everybody saw all that was acknowledged when it asked, and nothing that never happened (CU1, A4). */
function checkObserved({ observed }: Scene, added: ReadonlyMap<string, readonly number[]>): void {
  for (const { of, acknowledged, answer } of observed) {
    assert.ok(answer !== undefined, 'an observer was never answered');
    if (!answer.ok) continue;
    const seen = of === undefined ? (answer.value as Record<string, number>) : { [of]: answer.value as number };
    for (const key of of === undefined ? KEYS : [of]) {
      const bits = BigInt(seen[key] ?? 0);
      const due = BigInt(acknowledged.get(key) ?? 0);
      assert.equal(bits & due, due, `of ${key}, ${bits} was seen when ${due} was acknowledged`);
      const happened = (added.get(key) ?? []).reduce((sum, by) => sum | BigInt(by), 0n);
      assert.equal(bits & ~happened, 0n, `of ${key}, ${bits} was seen and ${happened} happened`);
    }
  }
}

function check(scene: Scene): void {
  const { asked, system } = scene;
  const added = eventsOf(system);
  checkObserved(scene, added);
  const happened = (key: string, by: number) => (added.get(key) ?? []).includes(by);
  let sum = 0;
  for (const key of KEYS) {
    const each = added.get(key) ?? [];
    assert.equal(new Set(each).size, each.length, `something was added twice to ${key}: ${each}`);
    const expected = each.reduce((total, by) => total + by, 0);
    assert.equal(system.stored(['counter', key]) ?? 0, expected, `the state of ${key} and its events differ`);
    sum += expected;
  }
  let reserved = 0;
  for (const { key, by, kind, to, answer } of asked) {
    assert.ok(answer !== undefined, `an ask was never answered: ${kind} ${key}`);
    const done = happened(key, by);
    if (answer.ok && answer.value !== false) assert.ok(done, `acknowledged and lost: ${kind} ${by} of ${key}`);
    else if (answer.ok || NOT_DONE.has(answer.fault.code))
      assert.ok(!done, `refused and done: ${kind} ${by} of ${key}`);
    else assert.equal(answer.fault.code, 'WORKER_LOST');
    if (to !== undefined && happened(to, by)) assert.ok(done, `told without a commit: ${by} from ${key}`);
    if (kind === 'reserve' && done) reserved += by;
  }
  assert.equal(system.counters.committed(0) + system.counters.committed(1), sum);
  assert.equal(system.counters.committed(1), reserved);
  assert.deepEqual(
    [0, 1].map((index) => system.counters.used(index)),
    [0, 1].map((index) => system.counters.committed(index)),
  );
  for (const { front } of system.shards) assert.equal(front.inFlightBytes, 0, 'credit was lost');
}

describe('under any interleaving', () => {
  it('what is acknowledged happens exactly once, what is refused never, and a former life writes nothing (G1, G5, G6)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: STEPS_MAX, size: 'max' }),
        fc.constantFrom(1_000, 1024 * 1024),
        async (steps, residentBytesMax) => {
          const scene = new Scene(residentBytesMax);
          for (const one of steps) await scene.take(one);
          await scene.end();
          check(scene);
        },
      ),
      { numRuns: CASES },
    );
  });
});
