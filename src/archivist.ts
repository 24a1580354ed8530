// Archivist
//
// The composition root of the archivist's thread: a reader of the tables, for what becomes of old events.

import { parentPort, workerData } from 'node:worker_threads';
import { runArchivist } from './archive/archivist-thread.js';
import type { ArchivistThreadData } from './archive/protocol.js';
import { invariant } from './invariant.js';
import { openLmdbReader } from './runtime/storage/lmdb-store.js';

invariant(parentPort !== null, 'the archivist runs in a worker thread');
const data = workerData as ArchivistThreadData;
runArchivist(parentPort, data, openLmdbReader(data.directory));
