// The shared state, key by key.

import assert from 'node:assert/strict';
import { bodyOf, RFC_3339_UTC, refusalOf } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Agent, Answer, TroupeApi } from './troupe-api.js';

const check = onBothListeners();

const MIB = 1_048_576;

interface Value {
  readonly key: string;
  readonly value: string;
  readonly last_modified_by: string;
  readonly last_modified_at: string;
}

/** The path goes on the wire as it is. */
function raw(api: TroupeApi, agent: Agent, method: string, path: string): Promise<Answer> {
  return api.send({ method, path, as: agent.agent_token, ...(method === 'PUT' ? { body: { value: path } } : {}) });
}

check('writes, reads, overwrites and deletes a value, and says by whom and when', async ({ api }) => {
  const [one, two] = [await api.agent(), await api.agent()];
  const key = `plan/${one.agent_address}`;
  const written = bodyOf<Record<string, string>>(await api.put(one, key, 'a\u0000“é”\n'), 200);
  assert.deepEqual([written.key, written.written_by], [key, one.agent_address]);
  assert.match(String(written.written_at), RFC_3339_UTC);
  assert.deepEqual(Object.keys(written).sort(), ['key', 'written_at', 'written_by']);
  assert.deepEqual(bodyOf<Value>(await api.get(two, key), 200), {
    key,
    value: 'a\u0000“é”\n',
    last_modified_by: one.agent_address,
    last_modified_at: written.written_at,
  });
  await api.put(two, key, '');
  const now = bodyOf<Value>(await api.get(one, key), 200);
  assert.deepEqual([now.value, now.last_modified_by], ['', two.agent_address]);
  const path = `/v1/state/${encodeURIComponent(key)}`;
  const deleted = await api.must<Record<string, string>>(200, { method: 'DELETE', path, as: one.agent_token });
  assert.deepEqual([deleted.key, deleted.deleted_by], [key, one.agent_address]);
  assert.match(String(deleted.deleted_at), RFC_3339_UTC);
  refusalOf(await api.get(one, key), 404, 'not_found');
  refusalOf(await raw(api, one, 'DELETE', path), 404, 'not_found');
});

check('decodes a key once, and lets it hold slashes, plain or escaped', async ({ api }) => {
  const agent = await api.agent();
  const same: [written: string, read: string, key: string][] = [
    ['/v1/state/a/b//c/', '/v1/state/a%2Fb%2f%2Fc%2F', 'a/b//c/'],
    ['/v1/state/%2525', '/v1/state/%25%32%35', '%25'],
    ['/v1/state/%C3%A9%20+', '/v1/state/%c3%a9%20%2B', 'é +'],
    ['/v1/state/%3Fq=1&r%23', '/v1/state/%3fq%3D1%26r%23', '?q=1&r#'],
    ['/v1/state/..', '/v1/state/%2E%2e', '..'],
    ['/v1/state/a/../b', '/v1/state/a%2F..%2Fb', 'a/../b'],
    ['/v1/state//', '/v1/state/%2F', '/'],
    ['/v1/state/__proto__', '/v1/state/%5F_proto__', '__proto__'],
  ];
  for (const [written, read, key] of same) {
    assert.equal(bodyOf<Value>(await raw(api, agent, 'PUT', written), 200).key, key);
    const found = bodyOf<Value>(await raw(api, agent, 'GET', read), 200);
    assert.deepEqual([found.key, found.value], [key, written]);
  }
});

check('takes keys of 1 to 1024 bytes, and refuses others with 400', async ({ api }) => {
  const agent = await api.agent();
  const longest = [
    'k'.repeat(1024),
    'é'.repeat(512),
    `${'€'.repeat(341)}x`,
    '\u{1f600}'.repeat(256),
    '\u0001'.repeat(1024),
  ];
  for (const key of longest) {
    assert.equal((await api.put(agent, key, 'x')).status, 200);
    assert.equal(bodyOf<Value>(await api.get(agent, key), 200).key, key);
  }
  for (const key of ['', 'k'.repeat(1025), `${'é'.repeat(512)}x`, '\u{1f600}'.repeat(257)]) {
    refusalOf(await api.put(agent, key, 'x'), 400, 'bad_request');
    refusalOf(await api.get(agent, key), 400, 'bad_request');
  }
});

check('refuses keys that are no text with 400', async ({ api }) => {
  const agent = await api.agent();
  const paths = ['%', '%2', '%zz', 'a%', '%ff', '%c3', '%ED%A0%80', '%ED%B0%80', '%00', 'a%00b', '%F5%80%80%80'];
  for (const path of paths) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      refusalOf(await raw(api, agent, method, `/v1/state/${path}`), 400, 'bad_request');
    }
  }
});

check('takes values of up to 1 MiB, counted in bytes, and refuses one more with 413', async ({ api }) => {
  const agent = await api.agent();
  const key = `large/${agent.agent_address}`;
  for (const value of ['x'.repeat(MIB), `${'€'.repeat(349_525)}x`]) {
    assert.equal((await api.put(agent, key, value)).status, 200);
    assert.equal(bodyOf<Value>(await api.get(agent, key), 200).value, value);
  }
  refusalOf(await api.put(agent, key, 'x'.repeat(MIB + 1)), 413, 'value_too_large');
  refusalOf(await api.put(agent, key, `${'€'.repeat(349_525)}é`), 413, 'value_too_large');
  assert.equal(bodyOf<Value>(await api.get(agent, key), 200).value.length, 349_526, 'a refused write changes nothing');
});

check('keeps _capacity for itself, also when it is written with escapes', async ({ api }) => {
  const agent = await api.agent();
  for (const path of ['/v1/state/_capacity', '/v1/state/%5Fcapacity', '/v1/state/_capacit%79']) {
    refusalOf(await raw(api, agent, 'PUT', path), 400, 'bad_request');
    refusalOf(await raw(api, agent, 'DELETE', path), 400, 'bad_request');
    const capacity = bodyOf<Record<string, number>>(await raw(api, agent, 'GET', path), 200);
    assert.deepEqual(Object.keys(capacity).sort(), ['key_count', 'total_bytes', 'used_bytes']);
  }
  assert.equal((await raw(api, agent, 'PUT', '/v1/state/_capacity/x')).status, 200);
});

check('gives each version of a value its etag, and writes on condition of it', async ({ api }) => {
  const agent = await api.agent();
  const key = `versions/${agent.agent_address}`;
  const etagOf = ({ headers }: Answer) => String(headers.etag);
  const first = etagOf(await api.put(agent, key, 'same', { 'if-none-match': '*' }));
  assert.match(first, /^"[^"]+"$/);
  assert.equal(etagOf(await api.get(agent, key)), first);
  const second = etagOf(await api.put(agent, key, 'same', { 'if-match': first }));
  assert.notEqual(second, first, 'the same value again is another version');

  const stale = await api.put(agent, key, 'lost', { 'if-match': first });
  assert.equal(refusalOf(stale, 409, 'conflict').detail, second.slice(1, -1));
  assert.equal(etagOf(stale), second);
  const taken = await api.put(agent, key, 'lost', { 'if-none-match': '*' });
  assert.equal(refusalOf(taken, 409, 'conflict').detail, second.slice(1, -1));
  assert.equal(bodyOf<Value>(await api.get(agent, key), 200).value, 'same');
  assert.equal((await api.put(agent, key, 'any', { 'if-match': '*' })).status, 200);
});

check('deletes on condition of the etag, and gives no etag twice', async ({ api }) => {
  const agent = await api.agent();
  const key = `gone-${agent.agent_address}`;
  const remove = (headers: Record<string, string>) =>
    api.send({ method: 'DELETE', path: `/v1/state/${key}`, as: agent.agent_token, headers });
  const first = String((await api.put(agent, key, 'v')).headers.etag);
  const second = String((await api.put(agent, key, 'v')).headers.etag);
  refusalOf(await remove({ 'if-match': first }), 409, 'conflict');
  assert.equal((await remove({ 'if-match': second })).status, 200);
  const absent = await api.put(agent, key, 'v', { 'if-match': second });
  assert.equal(refusalOf(absent, 409, 'conflict').detail, undefined, 'there is no current etag');
  const third = String((await api.put(agent, key, 'v')).headers.etag);
  assert.equal(new Set([first, second, third]).size, 3);
});

check('refuses conditions that it cannot mean with 400', async ({ api }) => {
  const agent = await api.agent();
  const conditions = [
    { 'if-match': 'unquoted' },
    { 'if-match': '"a", "b"' },
    { 'if-match': '""' },
    { 'if-match': 'W/"a"' },
    { 'if-none-match': '"a"' },
    { 'if-match': '*', 'if-none-match': '*' },
  ];
  for (const headers of conditions) {
    refusalOf(await api.put(agent, 'conditional', 'x', headers as Record<string, string>), 400, 'bad_request');
  }
});

check('lets exactly one of many writers win the same version', async ({ api }) => {
  const agents = await Promise.all(Array.from({ length: 4 }, () => api.agent()));
  const key = `race-${agents[0]?.agent_address}`;
  const etag = String((await api.put(agents[0]!, key, 'start')).headers.etag);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => api.put(agents[i % 4]!, key, `${i}`, { 'if-match': etag })),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ status }) => status === 409).length, 19);
  const winner = answers.findIndex(({ status }) => status === 200);
  assert.equal(bodyOf<Value>(await api.get(agents[0]!, key), 200).value, `${winner}`);
});
