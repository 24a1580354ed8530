// A thread that answers with what it is sent, and counts: see raw-echo.ts.

import { parentPort } from 'node:worker_threads';
import { COUNT } from './raw-echo.js';

let count = 0;
parentPort?.on('message', (value: number | typeof COUNT) => {
  if (value === COUNT) {
    parentPort?.postMessage(count);
    return;
  }
  count++;
  parentPort?.postMessage(value);
});
parentPort?.postMessage(COUNT);
