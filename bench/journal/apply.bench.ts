// Measures: messages a second that the applier brings from the journal's groups into the tables, in transactions of about
// 20,000: each an inbox row, the inbox's head and an event (200 bytes of content), to 10,000 inboxes; without the event,
// which is what keeping event contents in the journal would save; and when each message was taken before it was applied.
//
// Does not measure: reading the groups from their segments, or the journal's flushes beside it.
//
// How to read it: the floor puts the same rows and events into LMDB by hand, in the same transactions and the order in
// which they came. `verified` counts messages by the event numbers, or rows, in the tables.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Batch } from '../../src/runtime/batch.js';
import { Changes } from '../../src/runtime/changes.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { RecordWriter } from '../../src/runtime/commit-record.js';
import { encodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import type { Store } from '../../src/runtime/storage/store.js';
import { readTablesState } from '../../src/runtime/tables.js';
import { runBench } from '../harness/bench.js';
import type { Sample, Subject } from '../harness/measure.js';

const MESSAGES = 20_000;
const MESSAGES_QUICK = 500;
const INBOXES = 10_000;
/** Has no divisor in common with INBOXES: neighbours in time are no neighbours in the tables. */
const STRIDE = 7_919;
const CONTENT = 'm'.repeat(200);

interface Shape {
  readonly event: boolean;
  readonly taken: boolean;
}

/** The rows of the n-th message. */
function message(n: number) {
  const inbox = `tab_${String((n * STRIDE) % INBOXES).padStart(20, '0')}`;
  const seq = Math.floor(n / INBOXES);
  const row = {
    messageId: `id-${String(n).padStart(33, '0')}`,
    from: inbox,
    content: CONTENT,
    at: 1e12 + n,
    bytes: 200,
  };
  return {
    rowKey: encodeKey(['inbox', inbox, seq]),
    row: encodeValue(row),
    headKey: encodeKey(['inbox_head', inbox]),
    head: encodeValue({ nextSeq: seq + 1, count: seq + 1, bytes: (seq + 1) * 200 }),
    event: encodeValue([row.at, 'message_sent', inbox, { ...row, to: inbox }]),
  };
}

function writeRecords(from: number, count: number, { event, taken }: Shape): Buffer {
  const batch = new Batch();
  const writer = new RecordWriter(batch);
  for (let n = from; n < from + count; n++) {
    const made = message(n);
    writer.begin();
    writer.put(made.rowKey, made.row);
    writer.put(made.headKey, made.head);
    if (event) writer.event(made.event);
    writer.end({ slot: 0, epoch: 1 });
    if (!taken) continue;
    writer.begin();
    writer.delete(made.rowKey);
    writer.put(made.headKey, made.head);
    writer.end({ slot: 0, epoch: 1 });
  }
  return Buffer.from(batch.take());
}

/** Repeats `apply` for groups of messages until the budget is spent; only `apply` is timed. */
function sample(budgetMs: number, count: number, prepare: () => () => void): Sample {
  let elapsedMs = 0;
  let operations = 0;
  while (elapsedMs < budgetMs) {
    const apply = prepare();
    const startedAt = performance.now();
    apply();
    elapsedMs += performance.now() - startedAt;
    operations += count;
  }
  return { operations, elapsedMs, latency: null };
}

function applied(name: string, store: Store, count: number, shape: Shape): Subject {
  let made = 0;
  return {
    name,
    run: async (budgetMs) =>
      sample(budgetMs, count, () => {
        const records = writeRecords(made, count, shape);
        made += count;
        return () => {
          store.refresh();
          const changes = new Changes(readTablesState(store, []), []);
          const { applied: last, seq } = changes.state;
          changes.take({ number: last + 1, seqBefore: seq, records });
          store.commit((batch) => changes.applyTo(batch, store));
        };
      }),
    countFarEnd: async () => {
      store.refresh();
      if (shape.event) return readTablesState(store, []).seq;
      const { start, end } = rangeOf(['inbox']);
      return store.count(start, end);
    },
  };
}

function byHand(store: Store, count: number): Subject {
  let made = 0;
  return {
    name: 'by hand',
    run: async (budgetMs) =>
      sample(budgetMs, count, () => {
        const rows = Array.from({ length: count }, (_, n) => message(made + n));
        const firstSeq = made;
        made += count;
        return () =>
          store.commit((batch) => {
            rows.forEach(({ rowKey, row, headKey, head, event }, n) => {
              batch.put(rowKey, row);
              batch.put(headKey, head);
              batch.put(encodeKey(['event', firstSeq + n]), event);
            });
          });
      }),
    countFarEnd: async () => {
      store.refresh();
      const { start, end } = rangeOf(['inbox']);
      return store.count(start, end);
    },
  };
}

await runBench({
  name: 'journal/apply',
  async open(quick) {
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const stores: Store[] = [];
    const open = (name: string): Store => {
      const store = openLmdbWriter(mkdtempSync(join(directory, name)));
      stores.push(store);
      return store;
    };
    const count = quick ? MESSAGES_QUICK : MESSAGES;
    return {
      cases: [
        {
          name: 'messages',
          floor: byHand(open('hand-'), count),
          subjects: [
            applied('applier', open('applier-'), count, { event: true, taken: false }),
            applied('without their events', open('without-'), count, { event: false, taken: false }),
            applied('taken meanwhile', open('taken-'), count, { event: true, taken: true }),
          ],
        },
      ],
      async close() {
        for (const store of stores) await store.close();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
});
