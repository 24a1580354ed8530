// The client has its own few values of the contract, so that a page loads no schemas: they must be the contract's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BREACH_CODES, CLOSED, frameText, PATH, readFrame, SUBPROTOCOL } from '../../src/client/frames.js';
import { TroupeError, type WireCode } from '../../src/client/troupe-error.js';
import { CLOSE, SESSION_PATH, SUBPROTOCOL_JSON } from '../../src/contract/session.js';
import { errorTable } from '../../src/errors.js';

test('the values of the session are those of the contract', () => {
  assert.equal(PATH, SESSION_PATH);
  assert.equal(SUBPROTOCOL, SUBPROTOCOL_JSON);
  const { normal, ...closed } = CLOSED;
  assert.equal(normal, 1000);
  for (const [name, code] of Object.entries(closed)) assert.equal(code, CLOSE[name as keyof typeof CLOSE], name);
  assert.ok(BREACH_CODES.includes(CLOSE.badFrame));
});

test('every code of the wire has the status that goes with it', () => {
  for (const { wire, status } of Object.values(errorTable)) {
    assert.equal(new TroupeError(wire satisfies WireCode, '').status, status, wire);
  }
  assert.equal(new TroupeError('timeout', '').status, undefined);
});

test('a frame is what it was after it was written and read', () => {
  const frame = { type: 'ping', id: 'ü' } as const;
  assert.deepEqual(readFrame(frameText(frame)), frame);
});
