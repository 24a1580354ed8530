// Every malformed or refused request of the tables, over both listeners: the exact status and code, nothing of the inside
// in any answer, and a server that is as well afterwards as before. What is at a bound, and so taken, stands beside what
// is past it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './expectations.js';
import { onBothListeners, type Stage } from './on-both-listeners.js';
import { residentBytes } from './process-figures.js';
import { ask } from './refusals/asking.js';
import { tooLargeBodies, wrongBodies, wrongTypes } from './refusals/bodies.js';
import { bytesOf, type RefusalCase, toldBy } from './refusals/case.js';
import { wrongHeaders } from './refusals/headers.js';
import { wrongFramings, wrongTargets } from './refusals/lines.js';
import { wrongMembers } from './refusals/members.js';
import { wrongMethods, wrongPaths } from './refusals/methods.js';
import { wrongPlaces } from './refusals/places.js';
import { wrongTokens } from './refusals/tokens.js';
import { type RefusalWorld, refusalWorld } from './refusals/world.js';

type Table = (world: RefusalWorld) => readonly RefusalCase[];

const TABLES: Readonly<Record<string, Table>> = {
  'tokens of every wrong kind at every door': wrongTokens,
  'methods that a path does not answer': wrongMethods,
  'paths and methods that are none': wrongPaths,
  'bodies that are no JSON, no text, or not what was asked for': wrongBodies,
  'content types that are not JSON': wrongTypes,
  'bodies past the bound of all bodies': tooLargeBodies,
  'members of a wrong type or size': wrongMembers,
  'keys, addresses, cursors and queries that are none': wrongPlaces,
  'headers and heads that mean nothing or too much': wrongHeaders,
  'targets that are no path': wrongTargets,
  'bodies that end nowhere for certain': wrongFramings,
};

/** How many distinct requests the tables must hold, and how many of them must be refused. */
const DISTINCT_MIN = 1500;
const REFUSED_MIN = 1200;
/** Larger requests leave garbage that the engine collects when it likes; memory is watched over the others. */
const LIGHT_BYTES_MAX = 65_536;
const LANES = 4;
/** What two more rounds of those, some 4,000 requests, may add to the memory of the server. */
const GROWTH_BYTES_MAX = 16 * 1024 * 1024;
/**
 * Garbage is to be gone when memory is looked at. Left alone, V8 doubles the room for new objects as long as it thinks that
 * this pays (in Node 24, to 100 MB more than at the start), and collects old ones only when there are many more of them.
 */
const ENGINE_FLAGS = ['--max-semi-space-size=4', '--heap-growing-percent=10'];

const check = onBothListeners({ 'verification.gate': 'pipeline', 'observe.requests_per_min': 0 }, ENGINE_FLAGS);
const worlds = new Map<Stage, Promise<RefusalWorld>>();

function worldOf(stage: Stage): Promise<RefusalWorld> {
  const world = worlds.get(stage) ?? refusalWorld(stage);
  worlds.set(stage, world);
  return world;
}

/** Asks them all, some at a time; what went wrong, a line each. */
async function wrongAnswers(stage: Stage, cases: readonly RefusalCase[], lanes = 1): Promise<string[]> {
  const wrong: string[] = [];
  const left = cases.values();
  const lane = async (): Promise<void> => {
    // The lanes share one iterator: each case is asked once.
    for (const one of left) {
      const problem = await ask(stage, one);
      if (problem !== undefined) wrong.push(`${one.what}: ${problem}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return wrong;
}

for (const [what, table] of Object.entries(TABLES)) {
  check(`refuses ${what}`, async (stage) => {
    assert.deepEqual(await wrongAnswers(stage, table(await worldOf(stage))), []);
  });
}

check('serves as before after all of it, with flat memory and nothing to complain of', async (stage) => {
  const { api, server } = stage;
  const world = await worldOf(stage);
  const all = Object.values(TABLES).flatMap((table) => table(world));
  const light = all.filter((one) => bytesOf(one).length <= LIGHT_BYTES_MAX);
  const resident: (number | undefined)[] = [];
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await wrongAnswers(stage, light, LANES), [], 'a repeat is answered as the first time');
    resident.push(residentBytes(server.pid));
  }
  const [first, , last] = resident;
  if (first !== undefined && last !== undefined) {
    assert.ok(last - first < GROWTH_BYTES_MAX, `two rounds left ${last - first} bytes more`);
  }
  const as = await server.adminToken();
  await until('no ask is waiting', async () => {
    const status = await api.must<{ asksWaiting: number }>(200, { path: '/admin/status', as });
    return status.asksWaiting === 0;
  });
  const [from, to] = [await api.agent(), await api.agent()];
  await api.message(from, to, 'all is well');
  assert.equal((await api.take(to)).messages[0]?.content, 'all is well');
  assert.doesNotMatch(server.stderr, /"level":"(error|warn)"/);
});

test('holds more cases than it promises', async () => {
  const stand = { agent_address: 'tab_x', agent_token: 'at_live_x', operator_id: 'x', api_key: 'sk_live_x' };
  const challenge = { challenge_id: 'x', response: 'x' };
  const world: RefusalWorld = {
    operator: stand,
    agent: stand,
    stranger: { operator: stand, agent: stand, challenge },
    admin: 'ad_live_x',
    retired: stand,
    rotatedToken: 'at_live_y',
    spent: challenge,
    failed: challenge,
    key: 'there',
  };
  const cases = Object.values(TABLES).flatMap((table) => table(world));
  const distinct = new Set(cases.map((one) => bytesOf(one).toString('latin1')));
  assert.ok(distinct.size >= DISTINCT_MIN, `${distinct.size} distinct requests`);
  const refused = cases.filter((one) => {
    const told = toldBy('node', one);
    return typeof told === 'string' || told[0] >= 400;
  });
  assert.ok(refused.length >= REFUSED_MIN, `${refused.length} refusals`);
});
