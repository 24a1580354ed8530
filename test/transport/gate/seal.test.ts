import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seal, unseal } from '../../../src/transport/gate/seal.js';

const PLAIN = '{"agent_token":"at_live_00ff"}';

describe('a sealed answer', () => {
  it('is opened by the same secret in the same context, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.string(),
        fc.string({ unit: 'grapheme' }),
        (secret, context, plain) => {
          assert.equal(unseal(secret, context, seal(secret, context, plain)), plain);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is opened in a context of any length', () => {
    const context = 'c'.repeat(5000);
    assert.equal(unseal('secret', context, seal('secret', context, PLAIN)), PLAIN);
  });

  it('is not opened by another secret or in another context', () => {
    const sealed = seal('secret', 'agent:tab_a\nkey', PLAIN);
    assert.equal(unseal('Secret', 'agent:tab_a\nkey', sealed), undefined);
    assert.equal(unseal('', 'agent:tab_a\nkey', sealed), undefined);
    assert.equal(unseal('secret', 'agent:tab_a\nkey2', sealed), undefined);
  });

  it('is not opened when any single bit of it was changed', () => {
    const sealed = seal('secret', 'context', 'ok');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(unseal('secret', 'context', changed), undefined, `bit ${bit}`);
    }
  });

  it('is not opened when it was cut short', () => {
    const sealed = seal('secret', 'context', PLAIN);
    for (let length = 0; length < sealed.length; length++) {
      assert.equal(unseal('secret', 'context', sealed.subarray(0, length)), undefined, `${length} bytes`);
    }
  });

  it('holds neither the answer nor the secret in the clear, and is another one each time', () => {
    const one = Buffer.from(seal('the-secret', 'context', PLAIN));
    const two = Buffer.from(seal('the-secret', 'context', PLAIN));
    assert.equal(one.length, 33 + PLAIN.length);
    assert.ok(!one.includes('at_live_') && !one.includes('the-secret'));
    assert.ok(!one.subarray(1).equals(two.subarray(1)));
    assert.ok(!one.subarray(33).equals(two.subarray(33)));
  });
});
