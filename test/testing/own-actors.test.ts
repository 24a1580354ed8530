import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actor } from '../../src/index.js';
import { createTestSystem } from '../../src/testing/testing.js';

const till = actor({
  kind: 'till',
  persistence: 'state',
  state: () => ({ cents: 0, isOpen: true }),
  messages: {
    take(context, cents: number) {
      if (context.state.cents === 0) context.remind('closing', context.now + 60_000, 'close', undefined);
      context.state.cents += cents;
      return context.state.cents;
    },
    close(context) {
      context.state.isOpen = false;
    },
    look: (context) => context.state,
  },
});

test('a till keeps what it took, and closes in time, whatever dies', async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const system = createTestSystem({ kinds: [till], seed });
    const front = system.ref(till, 'front');
    assert.equal(await system.until(front.ask('take', 250)), 250);
    const second = front.ask('take', 50).catch((error: Error) => error);
    await system.steps(seed % 20);
    system.crash();
    const isTaken = (await system.until(second)) === 300;
    const { cents } = await system.until(front.ask('look'));
    assert.ok(cents === 300 || (cents === 250 && !isTaken), `seed ${seed}: ${cents}`);
    await system.pass(60_000);
    assert.equal((await system.until(front.ask('look'))).isOpen, false);
  }
});
