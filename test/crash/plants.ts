// Plants
//
// Bugs that would break a promise, as changes to the built server.

import type { Patch } from './planted-build.js';

const RECORDS_LATE_MS = 250;
const END_LATE_MS = 1_500;

/** J3 broken: what waits is acknowledged, and only then, a little later, written. */
export const acknowledgeBeforeCommit: readonly Patch[] = [
  {
    file: 'runtime/journal.js',
    find: 'const tally = new Tally(this.#parts.counters, this.#seq);',
    replace: `for (const [source, upTo] of group.upTo) source.acknowledge({ kind: 'durable', upTo });
        for (const until = performance.now() + 5; performance.now() < until; );
        const tally = new Tally(this.#parts.counters, this.#seq);`,
  },
  {
    file: 'runtime/journal.js',
    find: `this.#parts.commits.increment();
        for (const [source, upTo] of group.upTo) source.acknowledge({ kind: 'durable', upTo });`,
    replace: 'this.#parts.commits.increment();',
  },
];

/** One record of a group in ten is left out of its transaction, and acknowledged with the others. */
export const dropOneRecord: readonly Patch[] = [
  {
    file: 'runtime/journal.js',
    find: 'tally.apply(source.reservations, record);',
    replace: `if (this.#groups % 10 !== 0 || record !== group.records.at(-1).record)
          tally.apply(source.reservations, record);`,
  },
];

/**
 * No bug: a journal that gets everything late, and an old life of a worker that ends late. What the old life sent is then
 * still on its way when the new one has read the store, and only its epoch tells that it is stale.
 */
export const lateRecords: readonly Patch[] = [
  {
    file: 'runtime/threads/journal-thread.js',
    find: 'this.#journal.submit(source, batch, generation); this.#plan();',
    replace: `setTimeout(() => { this.#journal.submit(source, batch, generation); this.#plan(); }, ${RECORDS_LATE_MS});`,
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
