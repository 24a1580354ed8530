// Many write at once, on two workers, when there is room for a few only: the shared state is never over its capacity, not
// for a moment, and knows to the byte what it holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from '../server/expectations.js';
import { ServerProcess } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';

const CAPACITY = 100_000;
const WORKERS = 2;
const KEYS = 300;
const ROUNDS = 3;

/** Of different sizes, so that what is left at the border is too little for some and enough for others. */
const sizeOf = (place: number) => 300 + ((place * 7919) % 1700);
const keyAt = (place: number) => `key-${String(place).padStart(4, '0')}`;

/** The sizes that the server holds, by key, as its answers tell it. */
type Held = Map<string, number>;

async function writeAll(api: TroupeApi, agent: Agent, held: Held): Promise<number> {
  let refused = 0;
  const write = async (place: number): Promise<void> => {
    const [key, bytes] = [keyAt(place), sizeOf(place)];
    const answer = await api.put(agent, key, 'v'.repeat(bytes));
    if (answer.status === 200) held.set(key, key.length + bytes);
    else refusalOf(answer, 507, 'store_full');
    if (answer.status !== 200) refused++;
  };
  await Promise.all(Array.from({ length: KEYS }, (_, place) => write(place)));
  return refused;
}

/** Removes every third key while others are written again, smaller or larger. */
async function stir(api: TroupeApi, agent: Agent, held: Held, round: number): Promise<void> {
  const keys = [...held.keys()];
  const change = async (key: string, place: number): Promise<void> => {
    if (place % 3 === 0) {
      await api.must(200, { method: 'DELETE', path: `/v1/state/${key}`, as: agent.agent_token });
      held.delete(key);
      return;
    }
    const bytes = sizeOf(place + round * 31);
    const answer = await api.put(agent, key, 'w'.repeat(bytes));
    if (answer.status === 200) held.set(key, key.length + bytes);
    else refusalOf(answer, 507, 'store_full');
  };
  await Promise.all(keys.map(change));
}

/** Asks how full it is, again and again, until told to stop. */
async function watch(api: TroupeApi, agent: Agent, isOver: () => boolean): Promise<number> {
  let greatest = 0;
  while (!isOver()) {
    const { used_bytes } = await api.capacity(agent);
    assert.ok(used_bytes <= CAPACITY, `${used_bytes} bytes are over the capacity`);
    greatest = Math.max(greatest, used_bytes);
  }
  return greatest;
}

async function raceOnce(api: TroupeApi, agent: Agent, held: Held, round: number): Promise<void> {
  const refused = await writeAll(api, agent, held);
  assert.ok(refused > 0, 'there was room for all: nobody raced');
  const used = [...held.values()].reduce((sum, bytes) => sum + bytes, 0);
  assert.deepEqual(await api.capacity(agent), { used_bytes: used, total_bytes: CAPACITY, key_count: held.size });
  if (round === 0) assert.ok(used > 0.9 * CAPACITY, `there is room left: only ${used} bytes are used`);
  await stir(api, agent, held, round);
}

test('writers on two workers that race for the last bytes never get past the capacity', async () => {
  const server = await ServerProcess.start({ workers: WORKERS, 'state.capacity_bytes': CAPACITY });
  const api = new TroupeApi(() => server.port);
  try {
    const agent = await api.agent();
    const held: Held = new Map();
    let over = false;
    const race = async (): Promise<void> => {
      try {
        for (let round = 0; round < ROUNDS; round++) await raceOnce(api, agent, held, round);
      } finally {
        over = true;
      }
    };
    const [greatest] = await Promise.all([watch(api, agent, () => over), race()]);
    assert.ok(greatest > 0);
    // Full is not closed: what is there can be read, and removed, to the last key.
    await writeAll(api, agent, held);
    for (const key of held.keys()) {
      assert.equal((await api.get(agent, key)).status, 200);
      await api.must(200, { method: 'DELETE', path: `/v1/state/${key}`, as: agent.agent_token });
    }
    assert.deepEqual(await api.capacity(agent), { used_bytes: 0, total_bytes: CAPACITY, key_count: 0 });
  } finally {
    api.close();
    await server.stop();
    const { code, stdout } = await runTroupe(['check', server.dataDirectory]);
    await server.dispose();
    assert.equal(code, 0, stdout);
  }
});
