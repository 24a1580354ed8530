// What a dump of the process would show: the gate keeps digests, never tokens.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getHeapSnapshot } from 'node:v8';
import { Authenticator, type TokenRecord } from '../../../src/transport/gate/authenticator.js';
import { mintToken } from '../../../src/transport/gate/token.js';
import { ManualClock } from '../../runtime/manual-clock.js';

const TOKENS = 50;

/** How many different tokens are in the memory of this process. */
async function tokensInMemory(): Promise<number> {
  let text = '';
  for await (const chunk of getHeapSnapshot().setEncoding('utf8')) text += chunk;
  return new Set(text.match(/at_live_[0-9a-f]{64}/g)).size;
}

/** The header as a socket gives it: one flat string. */
function headerOf(token: string): string {
  return Buffer.from(`Bearer ${token}`, 'latin1').toString('latin1');
}

describe('the memory of the process', () => {
  it('holds no token once it was verified, although all of them are cached (U1)', async () => {
    const index = new Map<string, TokenRecord>();
    const authenticator = new Authenticator({
      clock: new ManualClock(1_700_000_000_250),
      cacheTtlMs: 30_000,
      lookup: (lookupId) => index.get(lookupId),
      hasher: { verifyToken: async () => true },
      onDefect: (error) => assert.fail(String(error)),
    });
    const headers: string[] = [];
    for (let n = 0; n < TOKENS; n++) {
      const { token, lookupId } = mintToken('agent');
      index.set(lookupId, { role: 'agent', id: `tab_${n}`, hash: 'hash' });
      headers.push(headerOf(token));
      assert.equal((await authenticator.authenticate('agent', headers[n])).ok, true);
    }
    const held = await tokensInMemory();
    assert.equal(held, TOKENS, 'while the test holds them, they are found');
    const cached = headers.filter((header) => !(authenticator.authenticate('agent', header) instanceof Promise));
    assert.equal(cached.length, TOKENS);
    cached.length = 0;
    headers.length = 0;
    // The last ones may still be on the stack.
    const left = await tokensInMemory();
    assert.ok(left <= 2, `${left} tokens are left`);
    assert.equal(index.size, TOKENS);
    authenticator.revoke('');
  });
});
