// The chaos runs can fail: bugs planted in a copy of the real server are found, each as what it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Patch } from './planted-build.js';
import { plant } from './planted-build.js';
import { runChaos } from './session-chaos.js';
import type { SessionFindingKind } from './session-checker.js';
import { deliverTwice, loseSome, skipOnResume, swapOrder } from './session-plants.js';

const SEED = 4_711;
const RUNS_MAX = 3;
/** What is lost is waited for in vain. */
const QUIET_MS = 5_000;
/** Of the test's own client, which takes the contract at its word. */
const SIZE = { agents: 20, messages: 1_500, kills: 1, replacements: 0, listener: 'node', sdkOfTen: 0 } as const;

async function kindsFound(patches: readonly Patch[], seed: number): Promise<Set<SessionFindingKind>> {
  const build = plant(patches);
  try {
    const { findings } = await runChaos({ ...SIZE, mainFile: build.mainFile, seed, quietMs: QUIET_MS });
    return new Set(findings.map(({ kind }) => kind));
  } finally {
    build.remove();
  }
}

const plants: readonly (readonly [name: string, patches: readonly Patch[], finding: SessionFindingKind])[] = [
  ['delivers some messages twice', deliverTwice, 'duplicate'],
  ['acknowledges some messages and loses them', loseSome, 'lost'],
  ['leaves out a message when a session is resumed', skipOnResume, 'gap'],
  ['swaps two messages', swapOrder, 'reordered'],
];

for (const [name, patches, finding] of plants) {
  test(`a server that ${name} is found out`, async () => {
    let found = new Set<SessionFindingKind>();
    for (let runs = 0; runs < RUNS_MAX && !found.has(finding); runs++) found = await kindsFound(patches, SEED + runs);
    assert.ok(found.has(finding), `found only: ${[...found].join(', ')}`);
  });
}
