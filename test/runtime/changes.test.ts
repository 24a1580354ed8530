import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Changes } from '../../src/runtime/changes.js';
import type { Group } from '../../src/runtime/storage/group-reader.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { readTablesState } from '../../src/runtime/tables.js';
import { batchOf, latin1, type Op } from './record-batches.js';
import { contentOf, storedEvents } from './stored-events.js';

const NAMES = ['bytes', 'rows'];

const key = fc.constantFrom('a', 'b', 'c', 'ab').map((name) => encodeKey(['t', name]));
const value = fc.uint8Array({ maxLength: 12 });
/** Never below zero, whatever the order: the journal has refused what would be. */
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, value }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('event' as const), value }),
  fc.record({
    kind: fc.constant('add' as const),
    counter: fc.nat({ max: NAMES.length - 1 }),
    delta: fc.nat({ max: 100 }),
    reserved: fc.boolean(),
  }),
);
const records = fc.array(fc.array(op, { maxLength: 6 }), { minLength: 1, maxLength: 4 });

function groupsOf(plans: readonly (readonly (readonly Op[])[])[]): Group[] {
  let seq = 0;
  return plans.map((plan, index) => {
    const seqBefore = seq;
    seq += plan.flat().filter(({ kind }) => kind === 'event').length;
    const bytes = batchOf(plan.map((ops) => ({ slot: 1, epoch: 1, ops })));
    return { number: index + 1, seqBefore, records: Buffer.from(bytes) };
  });
}

/** Applies these groups with one commit for each of the rows. */
function applied(store: MemoryStore, rows: readonly (readonly Group[])[]): MemoryStore {
  for (const row of rows) {
    const changes = new Changes(readTablesState(store, NAMES), NAMES);
    for (const group of row) changes.take(group);
    store.commit((batch) => changes.applyTo(batch, store));
  }
  return store;
}

describe('changes', () => {
  it('are, put together, what the groups are one by one (CH1)', () => {
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 8 }), fc.nat({ max: 8 }), (plans, cut) => {
        const groups = groupsOf(plans);
        const single = applied(
          new MemoryStore(),
          groups.map((group) => [group]),
        );
        const together = applied(new MemoryStore(), [groups.slice(0, cut), groups.slice(cut)]);
        assert.deepEqual(contentOf(together), contentOf(single));
      }),
    );
  });

  it('are the writes of the records in their order, the events with their numbers and the sums of the counters (CH1)', () => {
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 8 }), (plans) => {
        const store = applied(new MemoryStore(), [groupsOf(plans)]);
        const rows = new Map<string, string>();
        const events: string[] = [];
        const sums = [0, 0];
        for (const each of plans.flat(2)) {
          if (each.kind === 'put') rows.set(latin1(each.key), latin1(each.value));
          else if (each.kind === 'delete') rows.delete(latin1(each.key));
          else if (each.kind === 'event') events.push(latin1(each.value));
          else if (each.kind === 'add') sums[each.counter]! += each.delta;
        }
        const table = encodeKey(['t']);
        const isRow = (text: string) => text.startsWith(latin1(table));
        assert.deepEqual(new Map([...contentOf(store)].filter(([text]) => isRow(text))), rows);
        assert.deepEqual(storedEvents(store), events);
        const state = readTablesState(store, NAMES);
        assert.deepEqual(state, { applied: plans.length, seq: events.length, counters: sums });
      }),
    );
  });

  it('ask the tables once for a key that was written and deleted again, however often (CH2)', () => {
    const name = encodeKey(['t', 'a']);
    const ops: Op[] = Array.from({ length: 50 }, () => [
      { kind: 'put' as const, key: name, value: new Uint8Array(9) },
      { kind: 'delete' as const, key: name },
    ]).flat();
    const changes = new Changes({ applied: 0, seq: 0, counters: [] }, []);
    for (const group of groupsOf([[ops], [ops]])) changes.take(group);
    const touched: string[] = [];
    const batch = {
      put: (at: Uint8Array) => touched.push(`put ${latin1(at)}`),
      delete: (at: Uint8Array) => touched.push(`delete ${latin1(at)}`),
    };
    changes.applyTo(batch, new MemoryStore());
    assert.deepEqual(
      touched.filter((each) => each.endsWith(latin1(name))),
      [`delete ${latin1(name)}`],
    );
    assert.equal(touched.filter((each) => each.startsWith('delete')).length, 1);
  });

  it('written once more over their own result change nothing (CH3)', () => {
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 6 }), (plans) => {
        const store = new MemoryStore();
        const changes = new Changes(readTablesState(store, NAMES), NAMES);
        for (const group of groupsOf(plans)) changes.take(group);
        store.commit((batch) => changes.applyTo(batch, store));
        const once = contentOf(store);
        store.commit((batch) => changes.applyTo(batch, store));
        assert.deepEqual(contentOf(store), once);
      }),
    );
  });

  it('refuse a group that is not the next one, and take nothing of it', () => {
    const groups = groupsOf([
      [[{ kind: 'event', value: new Uint8Array(1) }]],
      [[{ kind: 'delete', key: encodeKey(['t']) }]],
    ]);
    const changes = new Changes({ applied: 0, seq: 0, counters: [] }, []);
    assert.throws(() => changes.take(groups[1]!));
    changes.take(groups[0]!);
    assert.throws(() => changes.take(groups[0]!));
    assert.throws(() => changes.take({ ...groups[1]!, seqBefore: 0 }));
    assert.deepEqual(changes.state, { applied: 1, seq: 1, counters: [] });
  });
});
