import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cell } from '../../src/runtime/cell.js';
import { decodeValue } from '../../src/runtime/codec.js';
import { DEAD_LETTERS_KEPT, DeadLetters } from '../../src/runtime/dead-letter.js';
import type { Envelope } from '../../src/runtime/envelope.js';
import { QUARANTINED_MAX, Quarantine } from '../../src/runtime/quarantine.js';
import {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  FAILURE_WINDOW_MS,
  FAILURES_MAX,
  FailureRecord,
} from '../../src/runtime/supervision.js';
import { makeToys } from './toy-kinds.js';

describe('the failures of an actor', () => {
  it('cost pauses that grow to a bound, and quarantine at the tenth within the window (SV2, SV3)', () => {
    const record = new FailureRecord();
    const pauses: number[] = [];
    for (let i = 1; i < FAILURES_MAX; i++) {
      const verdict = record.note(i);
      assert.ok(verdict.kind === 'restart');
      pauses.push(verdict.delayMs);
    }
    assert.equal(pauses[0], BACKOFF_MS_MIN);
    assert.ok(pauses.every((pause, i) => i === 0 || pause >= pauses[i - 1]!));
    assert.ok(Math.max(...pauses) <= BACKOFF_MS_MAX);
    assert.deepEqual(record.note(FAILURES_MAX), { kind: 'quarantine' });
  });

  it('are forgotten after a quiet window (SV3)', () => {
    const record = new FailureRecord();
    for (let i = 1; i < FAILURES_MAX; i++) record.note(i);
    assert.equal(record.isQuiet(FAILURE_WINDOW_MS), false);
    assert.equal(record.isQuiet(FAILURE_WINDOW_MS + FAILURES_MAX), true);
    assert.deepEqual(record.note(FAILURE_WINDOW_MS + FAILURES_MAX), { kind: 'restart', delayMs: BACKOFF_MS_MIN });
  });

  it('spread over more than the window never end in quarantine (SV2)', () => {
    const record = new FailureRecord();
    const stepMs = FAILURE_WINDOW_MS / (FAILURES_MAX - 1);
    for (let i = 0; i < 100; i++) assert.equal(record.note(i * stepMs).kind, 'restart');
  });
});

describe('the quarantine', () => {
  it('holds a bounded number: past it the one that waited longest must go', () => {
    const { kind } = makeToys();
    const quarantine = new Quarantine();
    const aside = (key: string, since: number) => ({
      cell: new Cell(kind, 0, key, 0),
      since,
      error: 'why',
      envelope: { message: 0 } as Envelope,
    });
    for (let i = 0; i < QUARANTINED_MAX; i++) assert.equal(quarantine.add(aside(`${i}`, i)), undefined);
    const released = quarantine.add(aside('last', 5_000));
    assert.equal(released, 'counter/0');
    assert.equal(quarantine.remove(released)?.cell.key, '0');
    assert.equal(quarantine.remove(released), undefined);
    assert.equal(quarantine.size, QUARANTINED_MAX);
    assert.deepEqual(quarantine.list().at(-1), {
      address: 'counter/last',
      reason: '',
      since: 5_000,
      message: 'add',
      error: 'why',
      waiting: 0,
    });
  });
});

describe('dead letters', () => {
  it('are all counted, and the newest are kept, oldest first', () => {
    const letters = new DeadLetters();
    const saying = { kind: 'saying', to: 0, slot: 0, key: 'b', message: 0, senderKind: 0, senderKey: '' } as const;
    const letter = (at: number) => ({
      address: 'a/b',
      message: 'm',
      reason: 'r',
      at,
      saying,
      payload: undefined,
      args: at,
    });
    letters.add(letter(0));
    const [first] = letters.recent();
    assert.deepEqual({ ...first, id: '' }, { id: '', address: 'a/b', message: 'm', reason: 'r', at: 0, args: 0 });
    assert.deepEqual(decodeValue(letters.find(first!.id)!.payload!), 0);
    assert.equal(letters.find('none'), undefined);
    for (let at = 1; at < DEAD_LETTERS_KEPT + 10; at++) letters.add(letter(at));
    assert.equal(letters.total, DEAD_LETTERS_KEPT + 10);
    assert.deepEqual(
      letters.recent().map(({ at }) => at),
      Array.from({ length: DEAD_LETTERS_KEPT }, (_, i) => i + 10),
    );
  });
});
