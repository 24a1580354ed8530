// The crash test can fail: bugs planted in a copy of the real server are found.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConversations } from '../../examples/02-conversations/conversations.js';
import { play } from '../../examples/02-conversations/play.js';
import { type Patch, plant } from './planted-build.js';
import { acknowledgeBeforeFlush, lateRecords, loseSomeWrites, reuseEpoch } from './plants.js';

const SEED = 4_711;
const PLAYS_MAX = 3;

async function kindsFound(patches: readonly Patch[], kills: number, replacementsPerLife: number): Promise<string[]> {
  const build = plant(patches);
  try {
    const { findings } = await play({
      mainFile: build.mainFile,
      conversations: loadConversations(),
      seed: SEED,
      kills,
      clientProcesses: 2,
      replacementsPerLife,
    });
    return [...new Set(findings.map(({ kind }) => kind as string))];
  } finally {
    build.remove();
  }
}

test('a server that acknowledges before it flushes is found out', async () => {
  // A kill has to fall between the two: of eight kills nearly always one does.
  let found: string[] = [];
  for (let plays = 0; plays < PLAYS_MAX && found.length === 0; plays++) {
    found = await kindsFound(acknowledgeBeforeFlush, 8, 0);
  }
  assert.notDeepEqual(found, []);
});

test('a server whose tables miss some of the writes is found out', async () => {
  assert.notDeepEqual(await kindsFound(loseSomeWrites, 3, 0), []);
});

test('a server that accepts records of an older epoch is found out when workers are replaced', async () => {
  assert.deepEqual(await kindsFound(lateRecords, 1, 3), [], 'late records alone must do no harm');
  // It takes a stale record and a new one of the same inbox to collide: nearly every play has some, not quite every one.
  let found: string[] = [];
  for (let plays = 0; plays < PLAYS_MAX && found.length === 0; plays++) found = await kindsFound(reuseEpoch, 2, 4);
  assert.notDeepEqual(found, []);
});
