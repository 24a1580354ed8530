// The worker module of observer.test.ts: an observer whose thread ends, fails or is silent when it is told to.

import { parentPort } from 'node:worker_threads';
import type { FromObserver, ToObserver } from '../../../src/transport/observation/protocol.js';

const control = parentPort!;
const say = (message: FromObserver): void => control.postMessage(message);

control.on('message', (message: ToObserver) => {
  if (message.kind === 'stop') {
    control.close();
    return;
  }
  if (message.kind !== 'read' || message.reading.kind !== 'entry') return;
  const { ticket, reading } = message;
  switch (reading.key) {
    case 'exit':
      process.exit(3);
      break;
    case 'throw':
      throw new Error('it was told to');
    case 'fail':
      say({ kind: 'failed', ticket, error: 'it was told to' });
      break;
    case 'silence':
      break;
    default:
      say({ kind: 'read', ticket, json: new TextEncoder().encode(reading.key) });
  }
});
