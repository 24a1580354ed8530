// Actors whose turn waits for something: what they ask others of the same thread or of another, and what is told of them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { actor, anyKind } from '../../src/runtime/actor.js';
import { slotOf } from '../../src/runtime/address.js';
import type { Durability } from '../../src/runtime/ref.js';
import { NOBODY } from '../../src/runtime/shard-map.js';
import { type LocalOptions, LocalSystem } from './local-system.js';
import { counter, makeToys } from './toy-kinds.js';

/** Keepers, who write, or do not return before a latch of theirs is opened; and askers, who ask them. */
function setUp(options: Omit<LocalOptions, 'kinds'> = {}) {
  const latches: (() => void)[] = [];
  const keeper = actor({
    kind: 'keeper',
    persistence: 'state',
    state: () => ({ count: 0 }),
    messages: {
      add: (context, by: number) => {
        context.state.count += by;
        return context.state.count;
      },
      async hold() {
        await new Promise<void>((resolve) => latches.push(resolve));
        return 'held';
      },
    },
  });
  const asker = actor({
    kind: 'asker',
    state: () => null,
    messages: {
      async add(context, { to, durability }: { to: string; durability: Durability }) {
        const answer = await context.ask(keeper, to, 'add', 1, { durability });
        return answer.ok ? answer.value : answer.fault.code;
      },
      async hold(context, to: string): Promise<unknown> {
        const answer = await context.ask(keeper, to, 'hold', undefined);
        return answer.ok ? answer.value : answer.fault.code;
      },
      async holdBy(context, { asker: other, to }: { asker: string; to: string }): Promise<unknown> {
        const answer = await context.ask(asker, other, 'hold', to);
        return answer.ok ? answer.value : answer.fault.code;
      },
    },
  });
  const system = new LocalSystem({ kinds: [anyKind(keeper), anyKind(asker)], ...options });
  const keyOn = (kind: string, worker: number): string => {
    for (let i = 0; ; i++) if (system.ownerOf(kind, `${kind}-${i}`).worker === worker) return `${kind}-${i}`;
  };
  return { keeper, asker, latches, system, keyOn };
}

describe('an actor that waits in its turn', () => {
  for (const forceEncoding of [true, false]) {
    const how = forceEncoding ? 'encoded' : 'as it is';
    it(`has the answer to a volatile ask without the commit of its neighbour, ${how}, and to a durable one with it`, async () => {
      const { asker, system } = setUp({ forceEncoding });
      system.autoCommit = false;
      const answers: unknown[] = [];
      const ask = (durability: Durability): void => {
        void system.ask(asker, durability, 'add', { to: 'a', durability }).then((answer) => answers.push(answer));
      };
      ask('durable');
      await system.run();
      assert.deepEqual(answers, []);
      ask('volatile');
      await system.run();
      assert.deepEqual(answers, [{ ok: true, value: 2, replayed: false }]);
      system.commit();
      await system.run();
      assert.deepEqual(answers[1], { ok: true, value: 1, replayed: false });
    });
  }

  it('leaves no dead letter of the search for cycles when what it asked is between two workers (IQ2)', async () => {
    const { asker, latches, system, keyOn } = setUp({ workers: 2 });
    const [to, waiting, last] = [keyOn('keeper', 0), keyOn('asker', 1), keyOn('asker', 0)];
    const held = system.ask(asker, waiting, 'hold', to);
    await system.run();
    assert.equal(latches.length, 1);
    system.map.setOwner(slotOf('keeper', to), NOBODY);
    const heldBy = system.ask(asker, last, 'holdBy', { asker: waiting, to });
    await system.run();
    assert.deepEqual(system.shards[1]!.shard.deadLetters.recent(), []);
    system.map.setOwner(slotOf('keeper', to), 0);
    latches.shift()!();
    await system.run();
    latches.shift()!();
    await system.run();
    assert.equal((await held).ok && (await heldBy).ok, true);
  });

  it('is told by explain() with all that waits for it, though nothing was refused and it is not about to run', async () => {
    const toys = makeToys();
    const system = new LocalSystem({ kinds: [toys.kind] });
    system.tell(counter, 'busy', 'slowAdd', 1);
    await system.run();
    for (let i = 0; i < 1_000; i++) system.tell(counter, `other-${i}`, 'read', null);
    for (let i = 0; i < 7; i++) system.tell(counter, 'busy', 'add', 1);
    await system.run();
    const { actors, thread } = system.shard.explain(1);
    const busy = actors.find(({ address }) => address === 'counter/busy');
    assert.equal(busy?.mailboxDepth, 7);
    assert.equal(thread.waitingActors, 1);
    toys.latches.shift()!.end();
    await system.run();
    assert.equal(system.shard.explain(1).thread.waitingActors, 0);
  });
});
