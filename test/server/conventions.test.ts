// What holds for every request and every answer, whatever it is about.

import assert from 'node:assert/strict';
import { routes } from '../../src/contract/routes.js';
import { bodyOf, RFC_3339_UTC, refusalOf } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';

const check = onBothListeners();

const MIB = 1_048_576;

check('says that it is well, and which version it is, to anyone', async ({ api }) => {
  const answer = await api.send({ path: '/v1/health' });
  const health = bodyOf<{ status: string; version: string }>(answer, 200);
  assert.equal(health.status, 'ok');
  assert.match(health.version, /^\d+\.\d+\.\d+/);
  assert.deepEqual(Object.keys(health).sort(), ['status', 'version']);
});

check('refuses unknown routes and wrong methods in the shape of every error', async ({ api }) => {
  for (const path of [
    '/',
    '/v1',
    '/v1/nothing',
    '/v1/agents/a/b',
    '/v1/state-of-affairs',
    '/V1/health',
    '/v1/health/',
  ]) {
    refusalOf(await api.send({ path }), 404, 'not_found');
  }
  const wrong = await api.send({ method: 'DELETE', path: '/v1/health' });
  refusalOf(wrong, 405, 'method_not_allowed');
  assert.equal(wrong.headers.allow, 'GET, HEAD, OPTIONS');
  const patch = await api.send({ method: 'PATCH', path: '/v1/state/key' });
  refusalOf(patch, 405, 'method_not_allowed');
  assert.equal(patch.headers.allow, 'GET, HEAD, PUT, DELETE, OPTIONS');
});

check('answers OPTIONS on every path, and HEAD where GET changes nothing', async ({ api }) => {
  const { agent_token: as } = await api.agent();
  for (const { path } of Object.values(routes)) {
    const options = await api.send({ method: 'OPTIONS', path: path.replace(/\{\w+\}/, 'x') });
    assert.equal(options.status, 204);
    assert.match(String(options.headers.allow), /OPTIONS$/);
    assert.equal(options.text, '');
  }
  const get = await api.send({ path: '/v1/agents/me', as });
  const head = await api.send({ method: 'HEAD', path: '/v1/agents/me', as });
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
  assert.equal(head.headers['content-length'], get.headers['content-length']);
  const consuming = await api.send({ method: 'HEAD', path: '/v1/messages', as });
  assert.equal(consuming.status, 405, 'HEAD must not consume messages that nobody is shown');
  assert.equal(consuming.text, '');
});

check('needs application/json for a body, whatever follows it', async ({ api }) => {
  const { agent_token: as } = await api.agent();
  const put = (headers: Record<string, string>) =>
    api.send({ method: 'PUT', path: '/v1/state/typed', as, bytes: '{"value":"x"}', headers });
  refusalOf(await put({}), 415, 'unsupported_media_type');
  for (const type of [
    'text/plain',
    'application/json-patch',
    'application/x-www-form-urlencoded',
    'application/jsonp',
  ]) {
    refusalOf(await put({ 'content-type': type }), 415, 'unsupported_media_type');
  }
  for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON']) {
    assert.equal((await put({ 'content-type': type })).status, 200);
  }
});

check('takes a body of 2 MiB, and refuses one byte more with 413', async ({ api }) => {
  const { agent_token: as } = await api.agent();
  const put = (bytes: number) => {
    const frame = '{"value":"x","padding":""}';
    const text = frame.replace('"padding":""', `"padding":"${'p'.repeat(bytes - frame.length)}"`);
    const headers = { 'content-type': 'application/json' };
    return api.send({ method: 'PUT', path: '/v1/state/padded', as, bytes: text, headers });
  };
  assert.equal((await put(2 * MIB)).status, 200);
  refusalOf(await put(2 * MIB + 1), 413, 'value_too_large');
});

check('refuses malformed JSON and wrong types with 400, and ignores unknown members', async ({ api }) => {
  const { agent_token: as } = await api.agent();
  const put = (bytes: string | Buffer) =>
    api.send({
      method: 'PUT',
      path: '/v1/state/shaped',
      as,
      bytes,
      headers: { 'content-type': 'application/json' },
    });
  const wrong = [
    '',
    '{',
    '{"value":"x"',
    'null',
    '[]',
    '"value"',
    '{}',
    '{"value":1}',
    '{"value":null}',
    '{"value":["x"]}',
  ];
  for (const text of wrong) refusalOf(await put(text), 400, 'bad_request');
  refusalOf(await put(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), 400, 'bad_request');
  refusalOf(await put('\u{feff}{"value":"x"}'), 400, 'bad_request');
  assert.equal((await put('{"value":"x","colour":"red","__proto__":{"value":"y"}}')).status, 200);
});

check('refuses half a surrogate pair in any text that is kept', async ({ api }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const half = '"\\ud800"';
  const post = (path: string, as: string | undefined, bytes: string, method = 'POST') =>
    api.send({
      method,
      path,
      bytes,
      headers: { 'content-type': 'application/json' },
      ...(as === undefined ? {} : { as }),
    });
  const to = JSON.stringify(agent.agent_address);
  refusalOf(await post('/v1/operators', undefined, `{"contact_hash":${half}}`), 400, 'bad_request');
  refusalOf(await post('/v1/messages', agent.agent_token, `{"to":${to},"content":${half}}`), 400, 'bad_request');
  refusalOf(await post('/v1/state/half', agent.agent_token, `{"value":${half}}`, 'PUT'), 400, 'bad_request');
  const batch = `{"messages":[{"to":${to},"content":"whole"},{"to":${to},"content":${half}}]}`;
  refusalOf(await post('/v1/messages/batch', agent.agent_token, batch), 400, 'bad_request');
  assert.deepEqual((await api.take(agent)).messages, [], 'nothing of a refused batch was sent');
});

check('gives back the request id of the client, or makes one', async ({ api }) => {
  const idOf = async (path: string, id?: string): Promise<string> => {
    const answer = await api.send({ path, headers: id === undefined ? {} : { 'x-request-id': id } });
    return String(answer.headers['x-request-id']);
  };
  for (const path of ['/v1/health', '/v1/nothing', '/v1/agents/me', '/openapi.json']) {
    assert.equal(await idOf(path, 'my-id:42/~'), 'my-id:42/~');
    const made = await idOf(path);
    assert.match(made, /^[0-9a-f]{32}$/);
    assert.notEqual(await idOf(path), made);
    assert.match(await idOf(path, 'not visible'), /^[0-9a-f]{32}$/);
    assert.match(await idOf(path, 'x'.repeat(129)), /^[0-9a-f]{32}$/);
  }
});

check('says in every authenticated answer where the caller stands', async ({ api, server }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const answers = [
    await api.send({ path: '/v1/agents', as: operator.api_key }),
    await api.send({ path: '/v1/agents/me', as: agent.agent_token }),
    await api.send({ path: '/v1/state/absent', as: agent.agent_token }),
    await api.send({ method: 'POST', path: '/v1/messages', as: agent.agent_token, body: {} }),
    await api.send({ method: 'POST', path: '/v1/messages', as: agent.agent_token, bytes: '' }),
    await api.send({ path: '/admin/status', as: await server.adminToken() }),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 404, 400, 415, 200],
  );
  for (const { headers } of answers) {
    for (const name of ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']) {
      assert.match(String(headers[name]), /^\d+$/, name);
    }
  }
});

check('has times in RFC 3339 and UTC, and no name of the server in its headers', async ({ api }) => {
  const agent = await api.agent();
  const answer = await api.send({ path: '/v1/agents/me', as: agent.agent_token });
  const me = bodyOf<{ address: string; registered_at: string }>(answer, 200);
  assert.equal(me.address, agent.agent_address);
  assert.match(me.registered_at, RFC_3339_UTC);
  assert.ok(Math.abs(Date.parse(me.registered_at) - Date.now()) < 60_000);
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers.server, undefined);
  assert.equal(answer.headers['x-powered-by'], undefined);
  assert.equal(answer.headers.uwebsockets, undefined);
});

check('describes every route in OpenAPI 3.1', async ({ api }) => {
  const document = await api.must<{ openapi: string; paths: Record<string, Record<string, unknown>> }>(200, {
    path: '/openapi.json',
  });
  assert.match(document.openapi, /^3\.1\./);
  for (const { path, method } of Object.values(routes)) {
    assert.ok(document.paths[path]?.[method.toLowerCase()] !== undefined, `${method} ${path}`);
  }
});

check('tells nothing of its inside where it cannot even read the request', async ({ api }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const answers = [
    await api.send({ path: '/v1/state/%', as: agent.agent_token }),
    await api.send({ path: '/v1/state/%ff', as: agent.agent_token }),
    await api.send({ path: '/v1/state?prefix=%zz', as: agent.agent_token }),
    await api.send({ path: '/v1/registry?cursor=%', as: agent.agent_token }),
    await api.send({ method: 'DELETE', path: '/v1/agents/%E0%A4%A', as: operator.api_key }),
  ];
  for (const answer of answers) {
    const { message } = refusalOf(answer, 400, 'bad_request');
    assert.ok(!/\.js|node_modules|URIError|malformed sequence/.test(message), message);
  }
});
