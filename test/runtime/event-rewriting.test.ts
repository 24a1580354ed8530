import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { Changes } from '../../src/runtime/changes.js';
import { decodeValue, encodeValue } from '../../src/runtime/codec.js';
import { readEventPage } from '../../src/runtime/event-reader.js';
import { rewrittenRows } from '../../src/runtime/event-rewriting.js';
import { CaughtUpReader } from '../../src/runtime/storage/caught-up-reader.js';
import type { Group } from '../../src/runtime/storage/group-reader.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import type { Store } from '../../src/runtime/storage/store.js';
import { readTablesState } from '../../src/runtime/tables.js';
import { batchOf, type Op } from './record-batches.js';
import { contentOf } from './stored-events.js';

const folder = mkdtempSync(join(tmpdir(), 'troupe-rewriting-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const event = (type: string, text: string): Uint8Array => encodeValue([7, type, null, { text }]);

/** A group says some events, and rewrites some by their numbers: also those that are not there, or not yet. */
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    kind: fc.constant('event' as const),
    value: fc.tuple(fc.constantFrom('a', 'b'), fc.string({ maxLength: 40 })).map(([type, text]) => event(type, text)),
  }),
  fc.record({
    kind: fc.constant('rewrite' as const),
    seq: fc.integer({ min: 1, max: 12 }),
    value: fc.tuple(fc.constantFrom('a', 'b'), fc.string({ maxLength: 40 })).map(([type, text]) => event(type, text)),
  }),
);
const plans = fc.array(fc.array(op, { maxLength: 5 }), { minLength: 1, maxLength: 8 });

function groupsOf(all: readonly (readonly Op[])[]): Group[] {
  let seq = 0;
  return all.map((ops, index) => {
    const seqBefore = seq;
    seq += ops.filter(({ kind }) => kind === 'event').length;
    return { number: index + 1, seqBefore, records: Buffer.from(batchOf([{ slot: 1, epoch: 1, ops }])) };
  });
}

function changesOn(store: Store, groups: readonly Group[]): Changes {
  const changes = new Changes(readTablesState(store, []), []);
  for (const group of groups) changes.take(group);
  return changes;
}

function apply(store: Store, groups: readonly Group[]): void {
  const changes = changesOn(store, groups);
  store.commit((batch) => changes.applyTo(batch, store));
  store.refresh();
}

/** What the log must hold, event by event. */
function expected(all: readonly (readonly Op[])[]): string[] {
  const log: { type: string; text: string }[] = [];
  for (const each of all.flat()) {
    if (each.kind !== 'event' && each.kind !== 'rewrite') continue;
    const [, type, , { text }] = decodeValue(each.value) as [number, string, null, { text: string }];
    if (each.kind === 'event') log.push({ type, text });
    else if (log[each.seq - 1]?.type === type) log[each.seq - 1] = { type, text };
  }
  return log.map(({ type, text }) => `${type} ${text}`);
}

function logOf(store: Store): string[] {
  const { events } = readEventPage(store, { since: 0, limit: 1_000 });
  return events.map(({ type, data }) => `${type} ${String(data.text)}`);
}

describe('events that are rewritten', () => {
  it('hold what was written last, whichever groups come to the tables together (CH1, EW1)', () => {
    fc.assert(
      fc.property(plans, fc.nat({ max: 8 }), (all, cut) => {
        const groups = groupsOf(all);
        const store = new MemoryStore();
        apply(store, groups.slice(0, cut));
        apply(store, groups.slice(cut));
        assert.deepEqual(logOf(store), expected(all));
        const single = new MemoryStore();
        for (const group of groups) apply(single, [group]);
        assert.deepEqual(logOf(single), expected(all));
      }),
    );
  });

  it('are found by their type as before (EW1)', () => {
    fc.assert(
      fc.property(plans, (all) => {
        const store = new MemoryStore();
        for (const group of groupsOf(all)) apply(store, [group]);
        const { events } = readEventPage(store, { since: 0, limit: 1_000, types: ['a'] });
        const found = events.map(({ data }) => `a ${String(data.text)}`);
        assert.deepEqual(
          found,
          expected(all).filter((text) => text.startsWith('a ')),
        );
      }),
    );
  });

  it('are the same when their transaction is done once more (CH3)', () => {
    fc.assert(
      fc.property(plans, fc.nat({ max: 8 }), (all, cut) => {
        const groups = groupsOf(all);
        const store = new MemoryStore();
        apply(store, groups.slice(0, cut));
        const changes = changesOn(store, groups.slice(cut));
        store.commit((batch) => changes.applyTo(batch, store));
        const once = contentOf(store);
        store.commit((batch) => changes.applyTo(batch, store));
        assert.deepEqual(contentOf(store), once);
      }),
    );
  });

  it('are so in LMDB, whose rows are read within the transaction, and over tables that nobody writes', async () => {
    const store = openLmdbWriter(folder);
    const said = Array.from(
      { length: 300 },
      (_, i): Op => ({ kind: 'event', value: event('a', `${i} ${'x'.repeat(200)}`) }),
    );
    const rewritten = Array.from(
      { length: 100 },
      (_, i): Op => ({ kind: 'rewrite', seq: i * 3 + 1, value: event('a', 'gone') }),
    );
    const all = [said, rewritten];
    const [first, second] = groupsOf(all);
    apply(store, [first!]);
    const changes = changesOn(store, [second!]);
    const laidOver = new CaughtUpReader(store, (batch) => changes.applyTo(batch, store));
    assert.deepEqual(logOf(laidOver as unknown as Store), expected(all));
    apply(store, [second!]);
    assert.deepEqual(logOf(store), expected(all));
    await store.close();
  });

  it('stay as they are where they would be filed under another name, or are no event (CH4)', () => {
    const store = new MemoryStore();
    apply(store, groupsOf([[{ kind: 'event', value: event('a', 'x') }]]));
    const others = [event('b', 'y'), encodeValue([7, 'a', 'somebody', {}]), Uint8Array.of(1)];
    for (const value of others) assert.deepEqual(rewrittenRows(store, new Map([[1, [value]]])), []);
  });

  it('do not bring back a row that is gone, and one that goes in the same changes goes (CH4)', () => {
    const rewrite: Op = { kind: 'rewrite', seq: 1, value: event('a', 'y') };
    const gone: Op = { kind: 'delete', key: encodeKey(['event', 1]) };
    for (const ops of [[[gone], [rewrite]], [[rewrite, gone]], [[gone, rewrite]]] satisfies Op[][][]) {
      const groups = groupsOf([[{ kind: 'event', value: event('a', 'x') }], ...ops]);
      const store = new MemoryStore();
      apply(store, groups.slice(0, 1));
      for (const group of groups.slice(1)) apply(store, [group]);
      assert.deepEqual(logOf(store), []);
    }
  });
});
