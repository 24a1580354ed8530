import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, errorTable } from '../../../src/errors.js';
import { errorAnswer, errorHeaders } from '../../../src/transport/http/json-answer.js';

const retries: readonly (readonly [retryAfterMs: number, seconds: string])[] = [
  [0, '1'],
  [1, '1'],
  [1000, '1'],
  [1001, '2'],
  [59_999, '60'],
];
for (const [retryAfterMs, seconds] of retries) {
  test(`a retry after ${retryAfterMs} ms is told as ${seconds} s`, () => {
    const headers = errorHeaders({ code: 'RATE_LIMITED', params: { what: 'tests', retryAfterMs } });
    assert.deepEqual(headers, [['retry-after', seconds]]);
  });
}

test('every 429 and 503 tells when to retry, and nothing else does', () => {
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    const { status } = errorTable[code];
    const told = errorHeaders({ code }).some(([name]) => name === 'retry-after');
    assert.equal(told, status === 429 || status === 503, code);
  }
});

test('a refusal is its code and text; parameters that the text does not name stay inside', () => {
  const answer = errorAnswer({ code: 'NOT_FOUND', params: { what: 'agent', lookupId: 'f00' } });
  assert.deepEqual(answer, { error: 'not_found', message: 'There is no such agent.' });
});
