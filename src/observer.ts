// Observer
//
// The composition root of the observer's thread: a reader of the tables, for those who watch and take no part.

import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from './invariant.js';
import { openLmdbReader } from './runtime/storage/lmdb-store.js';
import { runObserver } from './transport/observation/observer-thread.js';
import type { ObserverThreadData } from './transport/observation/protocol.js';

invariant(parentPort !== null, 'the observer runs in a worker thread');
const { directory, archives } = workerData as ObserverThreadData;
runObserver(parentPort, openLmdbReader(directory), archives);
