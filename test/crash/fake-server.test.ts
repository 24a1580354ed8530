// The crash engine itself, tried on a server that keeps every promise, and on ones that break one each.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ourConversations } from '../../examples/02-conversations/our-conversations.js';
import { type PlayResult, play } from '../../examples/02-conversations/play.js';
import type { FakeFault } from './fake-server.js';

const SEED = 20_260;

/** A play that a busy machine cuts short may have done nothing that the fault could spoil: it is played again. */
const PLAYS_MAX = 3;

async function playFake(fault: FakeFault, kills: number, seed = SEED): Promise<PlayResult> {
  return await play({
    mainFile: join(import.meta.dirname, 'fake-server.js'),
    conversations: ourConversations,
    seed,
    kills,
    clientProcesses: 2,
    replacementsPerLife: 0,
    settings: { 'fake.fault': fault },
  });
}

test('finds nothing in a server that keeps its promises, through six kills', async () => {
  const result = await playFake('none', 6);
  assert.deepEqual(result.findings, []);
  assert.ok(result.acknowledged > 100, `only ${result.acknowledged} messages were acknowledged`);
});

const faults: readonly (readonly [fault: FakeFault, finding: string])[] = [
  ['acknowledge_first', 'lost'],
  ['drop', 'lost'],
  ['deliver_twice', 'duplicate'],
  ['swap_order', 'reordered'],
  ['keep_old_value', 'wrong_value'],
  ['miscount', 'wrong_counter'],
  ['forget_idempotency', 'duplicate'],
];

for (const [fault, finding] of faults) {
  test(`finds "${finding}" in a server with the fault ${fault}`, async () => {
    const kinds = new Set<string>();
    for (let plays = 0; plays < PLAYS_MAX && !kinds.has(finding); plays++) {
      for (const { kind } of (await playFake(fault, 5, SEED + plays)).findings) kinds.add(kind);
    }
    assert.ok(kinds.has(finding), `found only: ${[...kinds].join(', ')}`);
  });
}
