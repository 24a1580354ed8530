import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cell } from '../../src/runtime/cell.js';
import { Dispatcher, PASS_TURNS, TICK_MS, TURNS_PER_LOOK } from '../../src/runtime/dispatcher.js';
import { Pulse } from '../../src/runtime/pulse.js';
import { ManualClock } from './manual-clock.js';
import { makeToys } from './toy-kinds.js';

const turnOfLoop = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A dispatcher whose cells have so many turns to run, each taking so long. */
function stage(turnMs: number) {
  const clock = new ManualClock();
  const { kind } = makeToys();
  const left = new Map<Cell, number>();
  const ran: string[] = [];
  const state = { held: false, ticks: 0 };
  const dispatcher = new Dispatcher({
    runTurn(cell) {
      const turns = left.get(cell)!;
      if (turns === 0) return false;
      left.set(cell, turns - 1);
      ran.push(cell.key);
      clock.advance(turnMs);
      return true;
    },
    held: () => state.held,
    afterTick: () => state.ticks++,
    monotonic: () => clock.monotonic(),
    pulse: new Pulse(),
    admit: () => false,
  });
  const add = (key: string, turns: number) => {
    const cell = new Cell(kind, 0, key, 0);
    left.set(cell, turns);
    dispatcher.schedule(cell);
    return cell;
  };
  return { dispatcher, add, ran, state, clock };
}

describe('a dispatcher', () => {
  it('runs what is scheduled, all of it, and an actor once however often it is scheduled (D1)', async () => {
    const { dispatcher, add, ran, state } = stage(0);
    const cell = add('a', 3);
    dispatcher.schedule(cell);
    dispatcher.schedule(cell);
    add('b', 200);
    assert.equal(dispatcher.waiting, 2);
    await turnOfLoop();
    assert.equal(ran.filter((key) => key === 'a').length, 3);
    assert.equal(ran.filter((key) => key === 'b').length, 200);
    assert.deepEqual([dispatcher.turns, dispatcher.waiting, state.ticks], [203, 0, 1]);
  });

  it('gives nobody more than a pass while another waits (D2)', async () => {
    const { add, ran } = stage(0);
    add('hot', PASS_TURNS * 3);
    add('cold', 1);
    await turnOfLoop();
    assert.equal(ran.indexOf('cold'), PASS_TURNS);
    assert.equal(ran.length, PASS_TURNS * 3 + 1);
  });

  it('ends its tick after TICK_MS, and lets ports, timers and sockets have their turn in between (D3, G11)', async () => {
    const { add, ran, state, clock } = stage(1);
    add('busy', 100);
    let loops = 0;
    const begun = clock.monotonic();
    await turnOfLoop();
    const firstMs = clock.monotonic() - begun;
    assert.ok(firstMs >= TICK_MS && firstMs <= TICK_MS + TURNS_PER_LOOK, `${firstMs}`);
    while (ran.length < 100) {
      await turnOfLoop();
      loops++;
    }
    assert.ok(loops >= 100 / (TICK_MS + TURNS_PER_LOOK) - 1, `${loops}`);
    assert.ok(state.ticks >= loops);
  });

  it('begins no turn while it is held, flushes nevertheless, and goes on when planned again', async () => {
    const { dispatcher, add, ran, state } = stage(0);
    state.held = true;
    add('a', 2);
    await turnOfLoop();
    await turnOfLoop();
    assert.deepEqual([ran.length, state.ticks], [0, 1]);
    state.held = false;
    dispatcher.plan();
    await turnOfLoop();
    assert.equal(ran.length, 2);
  });
});
