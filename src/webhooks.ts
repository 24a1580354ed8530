// Webhooks
//
// The composition root of the sender's thread: who pushes to webhooks.

import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from './invariant.js';
import type { SenderThreadData } from './transport/webhook/protocol.js';
import { runSender } from './transport/webhook/sender-thread.js';

invariant(parentPort !== null, 'the sender runs in a worker thread');
runSender(parentPort, workerData as SenderThreadData);
