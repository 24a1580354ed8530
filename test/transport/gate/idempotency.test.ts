import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  fingerprintOf,
  idempotencyOf,
  idempotencyScope,
  readIdempotencyKey,
} from '../../../src/transport/gate/idempotency.js';

const body = (text: string) => Buffer.from(text);
const asked = { method: 'POST', path: '/v1/messages', body: body('{"to":"tab_a"}') };

describe('an idempotency key', () => {
  it('is read when it has 1 to 255 visible ASCII characters', () => {
    for (const key of ['!', '~', 'order-17', 'k'.repeat(255)]) {
      assert.deepEqual(readIdempotencyKey(key), { kind: 'key', key });
    }
    assert.deepEqual(readIdempotencyKey(undefined), { kind: 'none' });
  });

  it('is refused with BAD_REQUEST otherwise', () => {
    for (const key of ['', ' ', 'a b', 'k'.repeat(256), 'a\n', '\u007f', 'ü', 'one, two']) {
      const read = readIdempotencyKey(key);
      assert.equal(read.kind === 'refused' && read.fault.code, 'BAD_REQUEST', JSON.stringify(key));
    }
  });

  it('belongs to who sent it', () => {
    assert.equal(idempotencyScope({ role: 'agent', id: 'tab_a' }), 'agent:tab_a');
    assert.equal(idempotencyScope({ role: 'operator', id: '018f' }), 'operator:018f');
    assert.equal(idempotencyScope({ ip: '203.0.113.7' }), 'ip:203.0.113.7');
  });

  it('leaves for the store only as a digest, which differs by scope', () => {
    const one = idempotencyOf('ip:203.0.113.7', 'my-secret-key', asked);
    assert.equal(one.scope, 'ip:203.0.113.7');
    assert.match(one.key, /^[\w-]{43}$/);
    assert.ok(!JSON.stringify(one).includes('my-secret-key'));
    assert.deepEqual(idempotencyOf('ip:203.0.113.7', 'my-secret-key', asked), one);
    assert.notEqual(idempotencyOf('ip:203.0.113.8', 'my-secret-key', asked).key, one.key);
    assert.notEqual(idempotencyOf('ip:203.0.113.7', 'my-secret-keY', asked).key, one.key);
  });
});

describe('the fingerprint of a request', () => {
  it('is the same for the same request', () => {
    assert.equal(fingerprintOf(asked), fingerprintOf({ ...asked, body: body('{"to":"tab_a"}') }));
    assert.match(fingerprintOf(asked), /^[\w-]{43}$/);
  });

  it('changes with the method, the path, any byte of the body, and where one ends and the next begins', () => {
    const others = [
      asked,
      { ...asked, method: 'PUT' },
      { ...asked, path: '/v1/message' },
      { ...asked, body: body('{"to":"tab_b"}') },
      { ...asked, body: body('{"to": "tab_a"}') },
      { ...asked, body: body('') },
      { ...asked, path: '/v1/messages{', body: body('"to":"tab_a"}') },
      { method: 'POS', path: 'T/v1/messages', body: asked.body },
    ];
    assert.equal(new Set(others.map(fingerprintOf)).size, others.length);
  });
});
