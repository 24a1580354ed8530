// A thread that verifies one token again and again: see raw-argon2.ts.

import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import type { Argon2Cost, ThreadSaid } from './raw-argon2.js';

/** That of the server's hash threads: beside whatever else runs on the machine, the floor gets what they get. */
const NICE = 10;

if (process.platform === 'linux') setPriority(NICE);

const { memoryKib, passes } = workerData as Argon2Cost;
const token = `at_live_${'0'.repeat(64)}`;
const hash = hashSync(token, { memoryCost: memoryKib, timeCost: passes, parallelism: 1 });
const say = (said: ThreadSaid): void => parentPort?.postMessage(said);

parentPort?.on('message', (budgetMs: number) => {
  const startedAt = performance.now();
  let verified = 0;
  while (performance.now() - startedAt < budgetMs) if (verifySync(hash, token)) verified++;
  say({ kind: 'verified', count: verified });
});
say({ kind: 'ready' });
