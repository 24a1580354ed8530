// Kinds worker
//
// The worker of a system whose kinds are given as module URLs (actor-system.ts).

import { workerData } from 'node:worker_threads';
import { loadKinds } from '../kind-modules.js';
import type { ShardWorkerData } from './protocol.js';
import { runShardWorker } from './shard-worker.js';

/** What such a worker is given. */
export interface KindSettings {
  readonly kinds: readonly string[];
}

const { kinds: urls } = (workerData as ShardWorkerData).settings as KindSettings;
const kinds = await loadKinds(urls);
runShardWorker(() => kinds);
