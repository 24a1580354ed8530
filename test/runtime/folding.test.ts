import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { actor, anyKind } from '../../src/runtime/actor.js';
import { LocalSystem } from './local-system.js';

const ACTORS = 6_000;

const tally = actor({
  kind: 'tally',
  state: () => ({ count: 0 }),
  messages: {
    add(context, by: number) {
      context.state.count += by;
      return context.state.count;
    },
    draw: (context) => context.random(),
    later(context, by: number) {
      context.schedule('later', 60_000, 'add', by);
    },
    pass(context, { to, by }: { to: string; by: number }) {
      context.tell(tally, to, 'add', by);
    },
  },
});

function setUp(residentBytesMax = 64 * 1024 * 1024): LocalSystem {
  return new LocalSystem({ kinds: [anyKind(tally)], residentBytesMax });
}

async function fill(system: LocalSystem, actors: number): Promise<void> {
  for (let i = 0; i < actors; i++) system.tell(tally, `a${i}`, 'add', i);
  await system.run();
}

/** Enough for two rounds of looks. */
async function rest(system: LocalSystem): Promise<void> {
  for (let i = 0; i < 20; i++) await system.pass(50);
}

describe('idle actors that keep nothing', () => {
  it('are folded to their states when there are many, and are what they were when they are used (CT4)', async () => {
    const system = setUp();
    await fill(system, ACTORS);
    await rest(system);
    const { residentActors, residentBytes } = system.shard.stats;
    assert.equal(residentActors, ACTORS);
    assert.ok(residentBytes < ACTORS * 400, `${residentBytes / ACTORS} bytes each`);
    for (const i of [0, 1, ACTORS - 1]) {
      const asked = system.ask(tally, `a${i}`, 'add', 1);
      await system.run();
      assert.deepEqual(await asked, { ok: true, value: i + 1, replayed: false });
    }
    system.tell(tally, 'a0', 'pass', { to: 'a2', by: 5 });
    await system.run();
    const asked = system.ask(tally, 'a2', 'add', 0);
    await system.run();
    assert.deepEqual(await asked, { ok: true, value: 7, replayed: false });
    assert.equal(system.shard.stats.residentActors, ACTORS);
  });

  it('keep their timers and their row of random numbers (CT4)', async () => {
    const system = setUp();
    const draw = async () => {
      const asked = system.ask(tally, 'drawn', 'draw', undefined);
      await system.run();
      const answer = await asked;
      assert.ok(answer.ok);
      return answer.value;
    };
    system.tell(tally, 'timed', 'later', 3);
    const first = await draw();
    await fill(system, ACTORS);
    await rest(system);
    assert.notEqual(await draw(), first);
    await system.pass(60_000);
    const asked = system.ask(tally, 'timed', 'add', 0);
    await system.run();
    assert.deepEqual(await asked, { ok: true, value: 3, replayed: false });
  });

  it('are refused when all hold too much, and those that are here go on (CT3)', async () => {
    const system = setUp(100_000);
    await fill(system, 1_000);
    const { residentActors, deadLetters } = system.shard.stats;
    assert.equal(residentActors + deadLetters, 1_000);
    assert.ok(deadLetters > 0);
    const refused = system.ask(tally, 'new', 'add', 1);
    const kept = system.ask(tally, 'a0', 'add', 1);
    await system.run();
    const answer = await refused;
    assert.equal(answer.ok ? 'answered' : answer.fault.code, 'OVERLOADED');
    assert.equal((await kept).ok, true);
  });
});
