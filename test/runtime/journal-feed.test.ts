import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { Cell } from '../../src/runtime/cell.js';
import { CellTable } from '../../src/runtime/cell-table.js';
import { OPS_MAX } from '../../src/runtime/commit-record.js';
import { Counters, Reservations } from '../../src/runtime/counters.js';
import { JournalFeed, UNSETTLED_BYTES_MAX } from '../../src/runtime/journal-feed.js';
import { Overlay } from '../../src/runtime/overlay.js';
import { Routes } from '../../src/runtime/routes.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { CommitCount, StoreView } from '../../src/runtime/store-view.js';
import { Turn } from '../../src/runtime/turn.js';
import { readRecords } from './read-records.js';
import { makeToys } from './toy-kinds.js';

function stage() {
  const submitted: { readonly records: number; readonly generation: number }[] = [];
  const feed = new JournalFeed({
    submit: (batch, generation) => submitted.push({ records: readRecords(Buffer.from(batch)).length, generation }),
  });
  const counters = new Counters([]);
  const turn = new Turn({
    clock: systemClock,
    cells: new CellTable([], new Map(), systemClock, 0),
    routes: new Routes([]),
    epochs: new Map(),
    forceEncoding: true,
    view: new StoreView(new MemoryStore(), new CommitCount()),
    overlay: new Overlay(),
    counters,
    reservations: new Reservations(counters),
    isDurable: true,
    seed: 0,
    ask: () => assert.fail('nobody asks'),
    log: () => assert.fail('nobody logs'),
  });
  const cell = new Cell(makeToys().kind, 0, 'a', 0);
  const begin = () => turn.begin(cell, undefined);
  const append = (valueBytes: number) => {
    begin();
    turn.write(['t', 1], new Uint8Array(valueBytes));
    feed.append({ slot: 0, epoch: 1 }, turn);
    turn.clear();
  };
  return { feed, turn, begin, append, submitted };
}

describe('a journal feed', () => {
  it('sends what was appended since the last flush as one batch, and nothing when there is nothing (JF1)', () => {
    const { feed, append, submitted } = stage();
    append(10);
    append(10);
    feed.flush();
    feed.flush();
    append(10);
    feed.flush();
    assert.deepEqual(submitted, [
      { records: 2, generation: 0 },
      { records: 1, generation: 0 },
    ]);
  });

  it('is full at its bound of unsettled bytes, until the journal has caught up (JF3)', () => {
    const { feed, append } = stage();
    const valueBytes = 1024 * 1024;
    let appended = 0;
    while (!feed.isFull) {
      append(valueBytes);
      appended++;
    }
    assert.ok(appended * valueBytes <= UNSETTLED_BYTES_MAX + valueBytes);
    feed.settled(1);
    assert.equal(feed.isFull, false);
    append(valueBytes);
    append(valueBytes);
    assert.equal(feed.isFull, true);
    feed.settled(appended + 2);
    assert.equal(feed.isFull, false);
  });

  it('sends what a failed commit left behind with the old generation, and the rest with a new one (JF2)', () => {
    const { feed, append, submitted } = stage();
    append(10);
    feed.fail();
    append(10);
    feed.flush();
    assert.deepEqual(
      submitted.map(({ generation }) => generation),
      [0, 1],
    );
    assert.equal(feed.isFull, false);
  });

  it('refuses a turn with more effects than a record can count, and appends nothing of it', () => {
    const { feed, turn, begin, append, submitted } = stage();
    begin();
    for (let i = 0; i <= OPS_MAX; i++) turn.write(['t', i], null);
    assert.throws(() => feed.append({ slot: 0, epoch: 1 }, turn));
    turn.drop();
    append(1);
    feed.flush();
    assert.deepEqual(submitted, [{ records: 1, generation: 0 }]);
  });
});
