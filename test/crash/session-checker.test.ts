// The checker of the chaos runs can fail: each way of breaking the promise, planted in what it judges, is found.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkSessions } from './session-checker.js';
import { contentOf, type SessionArrival, SessionLedger } from './session-ledger.js';

const COUNT = 12;

/** One agent says COUNT things to another, one after the other, and all of it arrives. */
function goodRun(): SessionLedger {
  const ledger = new SessionLedger();
  const inbox = ledger.inbox('b');
  ledger.inbox('a');
  for (let place = 0; place < COUNT; place++) {
    const send = ledger.begin('a', 'b', place);
    ledger.acknowledge(send, `id-${place}`, 'a 1');
    ledger.arrive(inbox, arrivalOf(place, place + 1));
  }
  return ledger;
}

const arrivalOf = (place: number, seq: number): SessionArrival => ({
  seq,
  messageId: `id-${place}`,
  from: 'a',
  content: contentOf('a', 'b', place),
});

/** The kinds of what is found after `plant` has changed what arrived. */
function found(plant: (arrivals: SessionArrival[], ledger: SessionLedger) => void): string[] {
  const ledger = goodRun();
  plant(ledger.inboxes[0]!.arrivals, ledger);
  return [...new Set(checkSessions(ledger).map(({ kind }) => kind as string))].sort();
}

/** As a server would do it that gives each of them its own seq. */
const renumber = (arrivals: SessionArrival[]): void => {
  for (const [index, arrival] of arrivals.entries()) arrivals[index] = { ...arrival, seq: index + 1 };
};

describe('the checker of the chaos runs', () => {
  test('finds nothing in a good run', () => {
    assert.deepEqual(
      found(() => undefined),
      [],
    );
  });

  test('finds a message that was acknowledged and lost, with its seq and without (C1, C5)', () => {
    assert.deepEqual(
      found((arrivals) => arrivals.splice(5, 1)),
      ['gap', 'lost'],
    );
    const lostBeforeItsSeq = (arrivals: SessionArrival[]): void => {
      arrivals.splice(5, 1);
      renumber(arrivals);
    };
    assert.deepEqual(found(lostBeforeItsSeq), ['lost']);
    assert.deepEqual(
      found((arrivals) => arrivals.pop()),
      ['lost'],
    );
  });

  test('lets a message be absent that was never acknowledged, but not come twice (C3)', () => {
    const unknown = (arrivals: SessionArrival[], { sends }: SessionLedger): void => {
      sends[5]!.messageId = null;
      arrivals.splice(5, 1);
      renumber(arrivals);
    };
    assert.deepEqual(found(unknown), []);
    const twice = (arrivals: SessionArrival[], { sends }: SessionLedger): void => {
      sends[5]!.messageId = null;
      arrivals.splice(5, 0, { ...arrivals[5]!, messageId: 'another' });
      renumber(arrivals);
    };
    assert.deepEqual(found(twice), ['duplicate']);
  });

  test('finds a message that came twice, under another seq or another id (C2)', () => {
    const again = (messageId: string) => (arrivals: SessionArrival[]) => {
      arrivals.push({ ...arrivals[3]!, messageId, seq: COUNT + 1 });
    };
    assert.deepEqual(found(again('id-3')), ['duplicate', 'reordered']);
    assert.ok(found(again('another')).includes('duplicate'));
  });

  test('finds two messages whose order was swapped (C4)', () => {
    const swap = (arrivals: SessionArrival[]): void => {
      arrivals.splice(4, 2, arrivals[5]!, arrivals[4]!);
      renumber(arrivals);
    };
    assert.deepEqual(found(swap), ['reordered']);
  });

  test('holds only those to an order that had one (C4)', () => {
    const both = (connection: string | null) => {
      const ledger = new SessionLedger();
      const inbox = ledger.inbox('b');
      const sends = [0, 1].map((place) => ledger.begin('a', 'b', place));
      for (const [place, send] of sends.entries()) ledger.acknowledge(send, `id-${place}`, connection);
      for (const [index, place] of [1, 0].entries()) ledger.arrive(inbox, arrivalOf(place, index + 1));
      return checkSessions(ledger).map(({ kind }) => kind);
    };
    assert.deepEqual(both(null), []);
    assert.deepEqual(both('a 1'), ['reordered']);
  });

  test('finds what nobody sent, or sent otherwise, or to somebody else (C3)', () => {
    const otherwise = (change: Partial<SessionArrival>) => (arrivals: SessionArrival[]) => {
      arrivals[2] = { ...arrivals[2]!, ...change };
    };
    assert.ok(found(otherwise({ content: contentOf('a', 'b', 99) })).includes('foreign'));
    assert.ok(found(otherwise({ content: `${contentOf('a', 'b', 2)}!` })).includes('foreign'));
    assert.deepEqual(found(otherwise({ from: 'c' })), ['foreign']);
    assert.ok(found(otherwise({ messageId: 'another' })).includes('foreign'));
  });

  test('finds a repeat that is of another message, unmarked, or to a client that had said what it has (C6)', () => {
    const repeat = (change: { messageId?: string; redelivered?: boolean; told?: boolean }) =>
      found((_arrivals, { inboxes }) => {
        inboxes[0]!.repeats.push({ seq: 4, messageId: 'id-3', redelivered: true, told: false, ...change });
      });
    assert.deepEqual(repeat({}), []);
    assert.deepEqual(repeat({ messageId: 'id-4' }), ['repeated']);
    assert.deepEqual(repeat({ redelivered: false }), ['repeated']);
    assert.deepEqual(repeat({ told: true }), ['repeated']);
  });

  test('passes on what was a breach when it was seen (C7)', () => {
    assert.deepEqual(
      found((_arrivals, ledger) => ledger.breach('a', 'a frame of no kind')),
      ['breach'],
    );
  });
});
