// Plants
//
// Bugs that would break a promise, as changes to the built server.

import type { Patch } from './planted-build.js';

const RECORDS_LATE_MS = 250;
const END_LATE_MS = 1_500;

/** J3 broken: what waits is acknowledged, and only then, a little later, written. */
export const acknowledgeBeforeFlush: readonly Patch[] = [
  {
    file: 'runtime/journal.js',
    find: 'this.#append(group, records, group.bytes);',
    replace: `for (const [source, upTo] of group.upTo) source.acknowledge({ kind: 'durable', upTo });
        for (const until = performance.now() + 5; performance.now() < until; );
        this.#append(group, records, group.bytes);`,
  },
  {
    file: 'runtime/journal.js',
    find: `source.durable = upTo;
            source.acknowledge({ kind: 'durable', upTo });`,
    replace: 'source.durable = upTo;',
  },
];

/** One write in fifty never comes from the journal to the tables. */
export const loseSomeWrites: readonly Patch[] = [
  {
    file: 'runtime/changes.js',
    find: 'put(batch, keyAt, valueAt, end) {',
    replace: `put(batch, keyAt, valueAt, end) {
        globalThis.puts = (globalThis.puts ?? 0) + 1;
        if (globalThis.puts % 50 === 0) { this.cells.push(16, 16); return; }`,
  },
];

/**
 * No bug: a journal that gets everything late, and an old life of a worker that ends late. What the old life sent is then
 * still on its way when the new one has read the store, and only its epoch tells that it is stale.
 */
export const lateRecords: readonly Patch[] = [
  {
    file: 'runtime/threads/journal-thread.js',
    find: 'this.#journal.submit(source, message.batch, message.generation); this.#plan();',
    replace: `setTimeout(() => { this.#journal.submit(source, message.batch, message.generation); this.#plan(); }, ${RECORDS_LATE_MS});`,
  },
  {
    file: 'runtime/supervisor.js',
    find: 'void old.thread.terminate();',
    replace: `setTimeout(() => void old.thread.terminate(), ${END_LATE_MS});`,
  },
];

/** G1 broken: a record of an older epoch is accepted (J2). */
export const reuseEpoch: readonly Patch[] = [
  ...lateRecords,
  {
    file: 'runtime/journal.js',
    find: 'record.epoch !== this.#parts.map.epoch(record.slot)',
    replace: 'false',
  },
];
