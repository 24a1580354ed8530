// Listing keys: byte order, prefixes, pages.

import assert from 'node:assert/strict';
import { refusalOf } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Agent, TroupeApi } from './troupe-api.js';

const check = onBothListeners();

interface Listing {
  readonly keys: string[];
  readonly next_cursor: string | null;
  readonly total: number;
}

function list(api: TroupeApi, agent: Agent, query: Readonly<Record<string, string | number>>): Promise<Listing> {
  const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return api.must(200, { path: `/v1/state?${text.join('&')}`, as: agent.agent_token });
}

/** All pages, each of which must say the same total. */
async function pages(api: TroupeApi, agent: Agent, prefix: string, limit: number): Promise<string[][]> {
  const all: string[][] = [];
  let total: number | undefined;
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: Listing = await list(api, agent, { prefix, limit, cursor });
    total ??= page.total;
    assert.equal(page.total, total);
    all.push(page.keys);
    cursor = page.next_cursor;
  }
  return all;
}

async function putAll(api: TroupeApi, agent: Agent, keys: readonly string[]): Promise<void> {
  const answers = await Promise.all(keys.map((key) => api.put(agent, key, 'v')));
  for (const { status, text } of answers) assert.equal(status, 200, text);
}

function inByteOrder(keys: readonly string[]): string[] {
  return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

check('lists keys in the order of their bytes, not of their UTF-16 units or letters', async ({ api }) => {
  const agent = await api.agent();
  const prefix = `${agent.agent_address}:`;
  const ends = [
    '',
    '!',
    '/',
    '0',
    'A',
    'Z',
    '_',
    'a',
    'aa',
    'é',
    '\u07ff',
    '\u0800',
    '\uffff',
    '\u{10000}',
    '\u{1f600}',
    '\u0001',
    ' ',
  ];
  const keys = ends.map((end) => prefix + end);
  await putAll(api, agent, keys);
  const listing = await list(api, agent, { prefix });
  assert.deepEqual(listing, { keys: inByteOrder(keys), next_cursor: null, total: keys.length });
});

check('pages through a prefix without gaps or repeats, to a null cursor', async ({ api }) => {
  const agent = await api.agent();
  const prefix = `${agent.agent_address}/é/`;
  const keys = Array.from({ length: 25 }, (_, i) => `${prefix}${i % 2 === 0 ? 'é' : 'z'}${i}`);
  await putAll(api, agent, [...keys, `${agent.agent_address}/è/1`, `${agent.agent_address}/ê/1`, agent.agent_address]);
  for (const limit of [1, 7, 24, 25, 26]) {
    const all = await pages(api, agent, prefix, limit);
    assert.deepEqual(all.flat(), inByteOrder(keys), `limit ${limit}`);
    assert.equal(all.length, Math.ceil(keys.length / limit), 'no page is empty');
  }
});

check('goes on where it was when keys come and go between two pages', async ({ api }) => {
  const agent = await api.agent();
  const prefix = `${agent.agent_address}/`;
  const keys = ['b', 'd', 'f', 'h'].map((end) => prefix + end);
  await putAll(api, agent, keys);
  const first = await list(api, agent, { prefix, limit: 2 });
  assert.deepEqual(first.keys, keys.slice(0, 2));
  const path = `/v1/state/${encodeURIComponent(`${prefix}d`)}`;
  await api.must(200, { method: 'DELETE', path, as: agent.agent_token });
  await putAll(api, agent, [`${prefix}a`, `${prefix}e`]);
  const second = await list(api, agent, { prefix, limit: 2, cursor: first.next_cursor! });
  assert.deepEqual(second.keys, [`${prefix}e`, `${prefix}f`]);
  assert.equal(second.total, 5);
});

check('stays within the prefix when the cursor lies before or after it', async ({ api }) => {
  const agent = await api.agent();
  const home = agent.agent_address;
  await putAll(api, agent, [`${home}a`, `${home}m1`, `${home}m2`, `${home}z`]);
  const cursorAt = async (prefix: string): Promise<string> => {
    const { next_cursor } = await list(api, agent, { prefix: home, limit: prefix === 'a' ? 1 : 3 });
    return next_cursor!;
  };
  const before = await list(api, agent, { prefix: `${home}m`, cursor: await cursorAt('a') });
  assert.deepEqual(before, { keys: [`${home}m1`, `${home}m2`], next_cursor: null, total: 2 });
  const within = await list(api, agent, { prefix: `${home}m`, cursor: await cursorAt('m2') });
  assert.deepEqual(within, { keys: [], next_cursor: null, total: 2 });
  const after = await list(api, agent, { prefix: `${home}a`, cursor: await cursorAt('m2') });
  assert.deepEqual(after, { keys: [], next_cursor: null, total: 1 });
  const far = Buffer.from('\u{10ffff}').toString('base64url');
  assert.deepEqual((await list(api, agent, { prefix: `${home}m`, cursor: far })).keys, []);
  const near = Buffer.from('\u0001').toString('base64url');
  assert.deepEqual((await list(api, agent, { prefix: `${home}m`, cursor: near })).keys, [`${home}m1`, `${home}m2`]);
});

check('counts the whole prefix, and everything where there is none', async ({ api }) => {
  const agent = await api.agent();
  const prefix = `${agent.agent_address}%/`;
  await putAll(api, agent, [`${prefix}1`, `${prefix}2`, `${prefix}3`]);
  assert.equal((await list(api, agent, { prefix, limit: 1 })).total, 3);
  assert.deepEqual(await list(api, agent, { prefix: `${prefix}none` }), { keys: [], next_cursor: null, total: 0 });
  const everything = await list(api, agent, { limit: 1 });
  assert.equal(everything.total, (await api.capacity(agent)).key_count);
});

check(
  'gives 100 keys where no limit is asked for, up to 1000 where one is, and falls back for others',
  async ({ api }) => {
    const agent = await api.agent();
    const prefix = `${agent.agent_address}#`;
    await putAll(
      api,
      agent,
      Array.from({ length: 120 }, (_, i) => prefix + i),
    );
    for (const limit of ['', '0', '-1', '1001', 'x', '2.5']) {
      assert.equal((await list(api, agent, { prefix, limit })).keys.length, 100, `limit ${limit}`);
    }
    assert.equal((await list(api, agent, { prefix, limit: 1000 })).keys.length, 120);
    assert.equal((await list(api, agent, { prefix, limit: 1 })).keys.length, 1);
  },
);

check('refuses a cursor that was not given here, and a prefix that no key can have, with 400', async ({ api }) => {
  const agent = await api.agent();
  const long = Buffer.from('k'.repeat(1025)).toString('base64url');
  const queries = [
    'cursor=%zz',
    'cursor=a',
    'cursor=!!!!',
    'cursor=_w',
    `cursor=${long}`,
    'prefix=%00',
    'prefix=%ff',
    `prefix=${'p'.repeat(1025)}`,
  ];
  for (const query of queries) {
    refusalOf(await api.send({ path: `/v1/state?${query}`, as: agent.agent_token }), 400, 'bad_request');
  }
});
