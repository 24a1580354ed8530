// Summarizer
//
// The composition root of the thread of the summaries: a reader of the tables, and the writer of a store of its own.

import { mkdirSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from './invariant.js';
import { openLmdbReader, openLmdbWriter } from './runtime/storage/lmdb-store.js';
import type { SummaryThreadData } from './transport/observation/summary-protocol.js';
import { SummaryThread } from './transport/observation/summary-thread.js';

invariant(parentPort !== null, 'the summarizer runs in a worker thread');
const { tables, summaries } = workerData as SummaryThreadData;

new SummaryThread(parentPort, {
  openTables: () => openLmdbReader(tables),
  openSums: () => {
    mkdirSync(summaries, { recursive: true, mode: 0o700 });
    return openLmdbWriter(summaries);
  },
});
