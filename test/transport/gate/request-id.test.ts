import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestIdOf } from '../../../src/transport/gate/request-id.js';

describe('a request id', () => {
  it('is the one the client sent, up to 128 visible characters', () => {
    for (const id of ['x', '~!', '4bf92f35-77b3', 'a'.repeat(128)]) assert.equal(requestIdOf(id), id);
  });

  it('is a new one when the client sent none, or one that is not fit to be repeated', () => {
    for (const header of [undefined, '', 'a b', 'a\r\nb', 'a\tb', '\u007f', 'é', 'a'.repeat(129), 'one, two']) {
      assert.match(requestIdOf(header), /^[0-9a-f]{32}$/);
    }
  });

  it('is not met twice', () => {
    assert.equal(new Set(Array.from({ length: 50_000 }, () => requestIdOf(undefined))).size, 50_000);
  });
});
