import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CACHED_BYTES_MAX, Inbox, type InboxRow } from '../../../src/actors/agent/inbox.js';

const EMPTY = { nextSeq: 1, count: 0, bytes: 0 };

function row(messageId: string, bytes: number): InboxRow {
  return { messageId, from: 'tab_s', content: 'x'.repeat(bytes), at: 1, bytes };
}

test('caches contents from the front on, up to the bound, and lets go of them as they leave (I4)', () => {
  const inbox = new Inbox(EMPTY, [], new Map());
  const idle = inbox.residentBytes;
  const half = row('m', CACHED_BYTES_MAX / 2);
  for (let round = 0; round < 3; round++) {
    const seqs = [half, half, half].map((each) => inbox.append(each));
    const small = inbox.append(row('small', 1));
    assert.ok(inbox.cached(seqs[0]!) !== undefined && inbox.cached(seqs[1]!) !== undefined);
    assert.equal(inbox.cached(seqs[2]!), undefined, 'the bound is reached');
    inbox.remove(half);
    const later = inbox.append(row('later', 1));
    assert.equal(inbox.cached(small), undefined);
    assert.equal(inbox.cached(later), undefined, 'what comes after a gap is not asked for next');
    inbox.lease(half, round + 1);
    inbox.acknowledge('m');
    inbox.remove(half);
    inbox.remove(row('small', 1));
    inbox.remove(row('later', 1));
    assert.equal(inbox.available, 0);
    assert.equal(inbox.residentBytes, idle);
  }
});

test('keeps the order when seqs are cut off a long list (I2)', () => {
  const inbox = new Inbox(EMPTY, [], new Map());
  const expected: number[] = [];
  const left: (number | undefined)[] = [];
  for (let i = 0; i < 10_000; i++) {
    expected.push(inbox.append(row('m', 0)));
    if (i % 4 === 3) {
      for (let taken = 0; taken < 3; taken++) {
        left.push(inbox.peek());
        inbox.remove(row('m', 0));
      }
    }
  }
  assert.equal(inbox.available, 2500);
  while (inbox.available > 0) {
    left.push(inbox.peek());
    inbox.remove(row('m', 0));
  }
  assert.deepEqual(left, expected);
  assert.deepEqual(inbox.headIfChanged(), { nextSeq: 10_001, count: 0, bytes: 0 });
  assert.equal(inbox.headIfChanged(), undefined);
});
