// How many operators one place may make: per client, and whose word is taken for who the client is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from './expectations.js';
import { LISTENERS, onBothListeners } from './on-both-listeners.js';
import { ServerProcess } from './server-process.js';
import { type Answer, TroupeApi } from './troupe-api.js';

const PER_HOUR = 'limits.operator_registration_per_hour';

function register(api: TroupeApi, forwardedFor?: string): Promise<Answer> {
  return api.send({
    method: 'POST',
    path: '/v1/operators',
    body: { contact_hash: 'c0ffee' },
    headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
  });
}

const direct = onBothListeners({ [PER_HOUR]: 3 });

direct('lets an address make so many operators in an hour, whatever it says of itself', async ({ api }) => {
  assert.equal((await register(api)).status, 201);
  assert.equal((await register(api, '203.0.113.1')).status, 201);
  assert.equal((await register(api, '203.0.113.2')).status, 201);
  for (const claim of [undefined, '203.0.113.3', '203.0.113.4, 203.0.113.5']) {
    const refused = await register(api, claim);
    refusalOf(refused, 429, 'rate_limited');
    const retryAfter = Number(refused.headers['retry-after']);
    assert.ok(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= 3600, `${retryAfter}`);
  }
});

for (const listener of LISTENERS) {
  test(`believes X-Forwarded-For from a trusted proxy, and only what that proxy appended (${listener})`, async () => {
    const server = await ServerProcess.start({
      'http.listener': listener,
      'http.trusted_proxies': '["127.0.0.0/8","198.51.100.7"]',
      [PER_HOUR]: 1,
    });
    const api = new TroupeApi(() => server.port);
    try {
      assert.equal((await register(api, '203.0.113.1')).status, 201);
      refusalOf(await register(api, '203.0.113.1'), 429, 'rate_limited');
      refusalOf(await register(api, '10.9.8.7, 203.0.113.1'), 429, 'rate_limited');
      refusalOf(await register(api, '203.0.113.1, 198.51.100.7'), 429, 'rate_limited');
      assert.equal((await register(api, '203.0.113.1, 203.0.113.2')).status, 201);
      assert.equal((await register(api, '2001:db8:1:2::1')).status, 201);
      refusalOf(await register(api, '2001:db8:1:2:ffff::9'), 429, 'rate_limited');
      assert.equal((await register(api, '2001:db8:1:3::1')).status, 201);
      assert.equal((await register(api)).status, 201, 'without the header it is the proxy itself');
      refusalOf(await register(api, 'not an address'), 429, 'rate_limited');
    } finally {
      api.close();
      await server.dispose();
    }
  });
}
