import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checkMessages,
  checkNumbers,
  checkRecount,
  checkRun,
  checkValues,
} from '../../../examples/02-conversations/checker.js';
import {
  type Arrival,
  type Inbox,
  type InboxEvent,
  type Read,
  readStamp,
  type Sent,
  stamp,
  type Write,
} from '../../../examples/02-conversations/observation.js';

const [ann, ben] = ['ann', 'ben'];

function sent(place: number, acknowledged = true): Sent {
  return { from: ann, to: ben, place, messageId: acknowledged ? `id-${place}` : null };
}

function arrival(place: number, changes: Partial<Arrival> = {}): Arrival {
  return { from: ann, to: ben, place, messageId: `id-${place}`, intact: true, ...changes };
}

function inbox(mode: Inbox['mode'], ...events: (readonly Arrival[] | InboxEvent)[]): Inbox {
  const all = events.map((event) => ('kind' in event ? event : ({ kind: 'arrived', messages: event } as const)));
  return { agent: ben, mode, events: all };
}

function kinds(findings: readonly { kind: string }[]): string[] {
  return findings.map(({ kind }) => kind);
}

const lost = { kind: 'lost' } as const;
const three = [sent(0), sent(1), sent(2)];

test('accepts messages that arrived once and in order (K1, K2, K3)', () => {
  assert.deepEqual(checkMessages(three, [inbox('consume', [arrival(0), arrival(1)], [arrival(2)])]), []);
});

test('finds an acknowledged message that never arrived (K1)', () => {
  assert.deepEqual(kinds(checkMessages(three, [inbox('consume', [arrival(0), arrival(2)])])), ['lost']);
  assert.deepEqual(kinds(checkMessages([sent(0)], [])), ['lost']);
});

test('finds a message that arrived under another id than was acknowledged (K1)', () => {
  assert.deepEqual(kinds(checkMessages([sent(0)], [inbox('consume', [arrival(0, { messageId: 'other' })])])), [
    'foreign',
  ]);
});

test('finds a message consumed twice (K2)', () => {
  const twice = inbox('consume', [arrival(0), arrival(1), arrival(1), arrival(2)]);
  assert.deepEqual(kinds(checkMessages(three, [twice])), ['duplicate']);
});

test('accepts a leased message again before its acknowledgement, and not after (K2)', () => {
  const acked = { kind: 'acked', messageIds: ['id-0'] } as const;
  assert.deepEqual(checkMessages([sent(0)], [inbox('lease', [arrival(0)], [arrival(0)], acked)]), []);
  const back = inbox('lease', [arrival(0)], acked, [arrival(0)]);
  assert.deepEqual(kinds(checkMessages([sent(0)], [back])), ['duplicate']);
});

test('finds a leased message that came again under a second id (K2)', () => {
  const second = inbox('lease', [arrival(0)], [arrival(0, { messageId: 'other' })]);
  assert.ok(kinds(checkMessages([sent(0)], [second])).includes('duplicate'));
});

test('finds messages out of order (K3)', () => {
  const swapped = [arrival(0), arrival(2), arrival(1)];
  assert.deepEqual(kinds(checkMessages(three, [inbox('consume', swapped)])), ['reordered']);
  assert.deepEqual(kinds(checkMessages(three, [inbox('lease', swapped)])), ['reordered']);
  assert.deepEqual(kinds(checkMessages(three, [inbox('lease', swapped, lost)])), ['reordered']);
});

test('allows a late message only after a leased read that lost its answer (K3)', () => {
  assert.deepEqual(checkMessages(three, [inbox('lease', lost, [arrival(2)], [arrival(0), arrival(1)])]), []);
  assert.deepEqual(kinds(checkMessages(three, [inbox('consume', lost, [arrival(0), arrival(2), arrival(1)])])), [
    'reordered',
  ]);
});

test('accepts an unacknowledged message once or never, not twice (K4)', () => {
  const messages = [sent(0), sent(1, false)];
  assert.deepEqual(checkMessages(messages, [inbox('consume', [arrival(0)])]), []);
  assert.deepEqual(checkMessages(messages, [inbox('consume', [arrival(0), arrival(1)])]), []);
  const twice = inbox('consume', [arrival(0), arrival(1), arrival(1)]);
  assert.deepEqual(kinds(checkMessages(messages, [twice])), ['duplicate']);
});

test('finds what nobody sent, or not to this agent, or not with this text (K4)', () => {
  assert.deepEqual(kinds(checkMessages([], [inbox('consume', [arrival(7)])])), ['foreign']);
  const misled = { ...inbox('consume', [arrival(0)]), agent: 'cid' };
  assert.deepEqual(kinds(checkMessages([sent(0)], [misled])), ['foreign']);
  assert.deepEqual(kinds(checkMessages([sent(0)], [inbox('consume', [arrival(0, { intact: false })])])), ['corrupt']);
});

test('any single loss, repetition or swap of a long inbox is found (K1, K2, K3)', () => {
  const size = 20;
  const messages = Array.from({ length: size }, (_, place) => sent(place));
  const property = fc.property(fc.integer({ min: 0, max: size - 2 }), fc.constantFrom(0, 1, 2), (at, harm) => {
    const arrivals = messages.map(({ place }) => arrival(place));
    if (harm === 0) arrivals.splice(at, 1);
    if (harm === 1) arrivals.splice(at, 0, arrival(at));
    if (harm === 2) [arrivals[at], arrivals[at + 1]] = [arrivals[at + 1]!, arrivals[at]!];
    const found = kinds(checkMessages(messages, [inbox('consume', arrivals)]));
    assert.deepEqual(found, [['lost', 'duplicate', 'reordered'][harm]]);
  });
  fc.assert(property);
});

function write(value: string | null, startedAt: number, endedAt: number, acknowledged = true): Write {
  return { key: 'k', value, startedAt, endedAt, acknowledged };
}

function read(value: string | null, at: number): Read {
  return { key: 'k', value, startedAt: at, endedAt: at + 1 };
}

test('accepts the last acknowledged value, and no older one (K5)', () => {
  const writes = [write('old', 0, 1), write('new', 2, 3)];
  assert.deepEqual(checkValues(writes, [read('new', 9)]), []);
  assert.deepEqual(kinds(checkValues(writes, [read('old', 9), read(null, 9), read('never', 9)])), [
    'wrong_value',
    'wrong_value',
    'wrong_value',
  ]);
});

test('accepts a later attempt whose outcome is unknown, and not an earlier one (K5)', () => {
  assert.deepEqual(checkValues([write('sure', 0, 1), write('tried', 2, 3, false)], [read('tried', 9)]), []);
  assert.deepEqual(checkValues([write('sure', 0, 1), write('tried', 2, 3, false)], [read('sure', 9)]), []);
  const earlier = [write('tried', 0, 1, false), write('sure', 2, 3)];
  assert.deepEqual(kinds(checkValues(earlier, [read('tried', 9)])), ['wrong_value']);
});

test('accepts either of two writes that were under way together (K5)', () => {
  const writes = [write('one', 0, 5), write('two', 1, 3)];
  assert.deepEqual(checkValues(writes, [read('one', 9), read('two', 9)]), []);
});

test('a deleted key is gone, and a key never written may be absent (K5)', () => {
  const writes = [write('old', 0, 1), write(null, 2, 3)];
  assert.deepEqual(checkValues(writes, [read(null, 9)]), []);
  assert.deepEqual(kinds(checkValues(writes, [read('old', 9)])), ['wrong_value']);
  assert.deepEqual(checkValues([], [read(null, 9)]), []);
});

test('a read sees neither a value from the future nor one that was overwritten before it (K5)', () => {
  const writes = [write('one', 0, 1), write('two', 20, 21)];
  assert.deepEqual(checkValues(writes, [read('one', 5)]), []);
  assert.deepEqual(kinds(checkValues(writes, [read('two', 5)])), ['wrong_value']);
});

test('bounds a shared number by the additions acknowledged and unknown (K6)', () => {
  const additions = [
    { key: 'n', acknowledged: 3, unknown: 0 },
    { key: 'n', acknowledged: 2, unknown: 1 },
  ];
  assert.deepEqual(checkNumbers(additions, { n: 5 }), []);
  assert.deepEqual(checkNumbers(additions, { n: 6 }), []);
  assert.deepEqual(kinds(checkNumbers(additions, { n: 4 })), ['wrong_number']);
  assert.deepEqual(kinds(checkNumbers(additions, { n: 7 })), ['wrong_number']);
  assert.deepEqual(kinds(checkNumbers(additions, {})), ['wrong_number']);
});

test('finds each counter that a recount does not confirm (K7)', () => {
  const same = { said: 4, counted: 4 };
  const other = { said: 4, counted: 5 };
  assert.deepEqual(checkRecount({ usedBytes: same, keyCount: same, listTotal: same, numbers: {} }), []);
  const wrong = checkRecount({ usedBytes: other, keyCount: other, listTotal: other, numbers: {} });
  assert.deepEqual(kinds(wrong), ['wrong_counter', 'wrong_counter', 'wrong_counter']);
});

test('a whole run is judged by every rule', () => {
  const same = { said: 0, counted: 1 };
  const findings = checkRun(
    {
      sent: three,
      inboxes: [],
      writes: [write('a', 0, 1)],
      reads: [read(null, 5)],
      additions: [{ key: 'n', acknowledged: 1, unknown: 0 }],
    },
    { usedBytes: same, keyCount: same, listTotal: same, numbers: {} },
  );
  assert.deepEqual(new Set(kinds(findings)), new Set(['lost', 'wrong_value', 'wrong_number', 'wrong_counter']));
});

test('a stamp is read back, and not from a text that changed', () => {
  fc.assert(
    fc.property(fc.nat(), fc.string(), (id, text) => {
      const stamped = stamp(String(id), text);
      assert.equal(readStamp(stamped), String(id));
      assert.equal(readStamp(`${stamped}x`), null);
      assert.equal(readStamp(stamped.slice(0, -1)), null);
    }),
  );
});
