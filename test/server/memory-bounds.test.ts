// What no call of the memory API is given: malformed, too much, too often, on a server that stops, over both listeners.

import assert from 'node:assert/strict';
import { memoryRoutes } from '../../src/contract/memory-routes.js';
import { MemoryApi, memoryRefusal } from './memory-api.js';
import { onBothListeners, onServersOfTheirOwn } from './on-both-listeners.js';

const check = onBothListeners();
const checkAlone = onServersOfTheirOwn({ 'memory.rate_limit_per_min': 5 });

const MIB = 1_048_576;
const JSON_TYPE = { 'content-type': 'application/json' };
const BROKEN: readonly (readonly [what: string, bytes: string | Buffer])[] = [
  ['nothing', ''],
  ['an open brace', '{'],
  ['null', 'null'],
  ['an array', '[]'],
  ['a text', '"x"'],
  ['NaN', 'NaN'],
  ['two values', '{}{}'],
  ['a byte order mark', '\u{feff}{}'],
  ['UTF-16', Buffer.from('{}', 'utf16le')],
  ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['brackets', '['.repeat(100_000)],
  ['members of __proto__', '{"__proto__":{"subject_id":"x","task":"x","session_id":"x"}}'],
  ['many members', `{${Array.from({ length: 50_000 }, (_, i) => `"m${i}":${i}`).join()}}`],
];

check('refuses broken bodies, wrong types and wrong methods at every route, in its own shape', async (stage) => {
  const { api, server } = stage;
  const as = await server.adminToken();
  for (const [name, { method, path, access }] of Object.entries(memoryRoutes)) {
    const filled = path.replace(/\{\w+\}/g, 'x');
    const token = access === 'admin' ? { as } : {};
    const wrong = await api.send({ method: 'PUT', path: filled, headers: JSON_TYPE, bytes: '{}' });
    memoryRefusal(wrong, 405, 'method_not_allowed');
    assert.match(String(wrong.headers.allow), new RegExp(`\\b${method}\\b`), name);
    const options = await api.send({ method: 'OPTIONS', path: filled });
    assert.equal(options.status, 204);
    if (method !== 'POST' || name === 'resetStuckJobs') continue;
    for (const [what, bytes] of BROKEN) {
      const answer = await api.send({ method, path: filled, bytes, headers: JSON_TYPE, ...token });
      const refused = memoryRefusal(answer, 422, 'validation_error');
      assert.ok((refused.details?.length ?? 0) > 0, `${what} at ${name}`);
      assert.ok(!/\.js|node_modules|SyntaxError|undefined/.test(refused.message), refused.message);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const answer = await api.send({ method, path: filled, bytes: '{}', headers: { 'content-type': type }, ...token });
      memoryRefusal(answer, 422, 'validation_error');
    }
  }
});

check('takes a body of 2 MiB, and a document of more, and refuses one byte past either', async ({ api, server }) => {
  const as = await server.adminToken();
  const padded = (bytes: number) => {
    const frame = '{"subject_id":"pad","source":"t","type":"n","payload":{"text":""}}';
    return frame.replace('""}}', `"${'p'.repeat(bytes - frame.length)}"}}`);
  };
  const post = (path: string, bytes: string, token = {}) =>
    api.send({ method: 'POST', path, bytes, headers: JSON_TYPE, ...token });
  assert.equal((await post('/v1/episodes', padded(2 * MIB))).status, 201);
  memoryRefusal(await post('/v1/episodes', padded(2 * MIB + 1)), 413, 'payload_too_large');
  memoryRefusal(await post('/admin/import', padded(3 * MIB), { as }), 422, 'validation_error');
  const announced = { ...JSON_TYPE, 'content-length': String(50 * MIB + 1) };
  const open = api.open({ method: 'POST', path: '/admin/import', as, headers: announced });
  memoryRefusal(await open.answer, 413, 'payload_too_large');
});

check('answers HEAD as GET, and keeps the shapes of the two APIs apart', async ({ api }) => {
  const head = await api.send({ method: 'HEAD', path: '/v1/timeline?subject_id=x' });
  assert.deepEqual([head.status, head.text], [200, '']);
  assert.equal(JSON.parse((await api.send({ path: '/v1/nothing' })).text).error, 'not_found');
  assert.equal(JSON.parse((await api.send({ path: '/v1/state/x' })).text).error, 'unauthorized');
});

checkAlone('counts the calls of an address, and says when to come again', async ({ api }) => {
  const memory = new MemoryApi(api);
  for (let i = 0; i < 5; i++) await memory.timeline('x');
  const refused = await memory.send('GET', '/v1/timeline?subject_id=x');
  memoryRefusal(refused, 429, 'rate_limited');
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  assert.equal((await memory.send('GET', '/healthz')).status, 200);
  assert.equal((await api.send({ path: '/v1/health' })).status, 200);
});
