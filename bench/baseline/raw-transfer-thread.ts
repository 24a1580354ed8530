// One end of a raw transfer: see raw-transfer.ts.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Packr } from 'msgpackr';
import {
  BATCH_PARCELS,
  makeParcel,
  type Parcel,
  type Received,
  receive,
  WINDOW_BATCHES,
} from '../actors/parcel-kinds.js';
import type { TransferEnd, TransferOrder, TransferSaid } from './raw-transfer.js';

/** Set as the runtime's is: what is compared is the way, not the format. */
const packr = new Packr({ useRecords: false, copyBuffers: true, int64AsType: 'number' });
const { role, port } = workerData as TransferEnd;
const say = (said: TransferSaid): void => parentPort?.postMessage(said);

function sendBatches(to: MessagePort): (budgetMs: number) => void {
  let sent = 0;
  let open = 0;
  let startedAt = 0;
  let deadline = 0;
  const send = (): void => {
    const parcels: Parcel[] = [];
    for (let place = 1; place <= BATCH_PARCELS; place++) parcels.push(makeParcel(sent + place));
    // A copy: what pack() gives is a part of the packer's own memory.
    const batch = Uint8Array.from(packr.pack(parcels)).buffer;
    to.postMessage(batch, [batch]);
    sent += BATCH_PARCELS;
    open++;
  };
  to.on('message', () => {
    open--;
    const now = performance.now();
    if (now < deadline) send();
    else if (open === 0) say({ kind: 'sent', operations: sent, elapsedMs: now - startedAt });
  });
  return (budgetMs) => {
    sent = 0;
    startedAt = performance.now();
    deadline = startedAt + budgetMs;
    for (let batch = 0; batch < WINDOW_BATCHES; batch++) send();
  };
}

function receiveBatches(from: MessagePort): Received {
  const received: Received = { count: 0, bytes: 0 };
  from.on('message', (batch: ArrayBuffer) => {
    for (const parcel of packr.unpack(new Uint8Array(batch)) as Parcel[]) receive(received, parcel);
    from.postMessage(null);
  });
  return received;
}

const received = role === 'receiver' ? receiveBatches(port) : undefined;
const send = role === 'sender' ? sendBatches(port) : undefined;
parentPort?.on('message', (order: TransferOrder) => {
  switch (order.kind) {
    case 'send':
      send?.(order.budgetMs);
      break;
    case 'count':
      say({ kind: 'received', count: received?.count ?? 0 });
      break;
    default:
      order satisfies never;
  }
});
say({ kind: 'ready' });
