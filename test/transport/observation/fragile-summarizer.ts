// A thread of summaries that does what the address it is asked about says.

import { parentPort } from 'node:worker_threads';
import type { FromSummaries, ToSummaries } from '../../../src/transport/observation/summary-protocol.js';

const control = parentPort!;
const say = (message: FromSummaries): void => control.postMessage(message);

control.on('message', (message: ToSummaries) => {
  if (message.kind === 'stop') {
    control.close();
    return;
  }
  if (message.kind === 'fold') {
    say({ kind: 'folded', seq: 7 });
    return;
  }
  const { ticket, reading } = message;
  const told = reading.kind === 'agent' ? reading.address : '';
  if (told === 'exit') process.exit(1);
  if (told === 'throw') throw new Error('it was told to');
  if (told === 'silence') return;
  if (told === 'fail') say({ kind: 'failed', ticket, error: 'it was told to' });
  else if (told === 'behind') say({ kind: 'behind', ticket, events: 200_000 });
  else if (told === 'fold') {
    say({ kind: 'folded', seq: 42 });
    say({ kind: 'missed', events: 7 });
    say({ kind: 'failing', error: 'no room' });
    say({ kind: 'read', ticket, json: undefined });
  } else say({ kind: 'read', ticket, json: new TextEncoder().encode(told) });
});
