// A thread in the place of the archivist's: it answers each look as its directory is named, and tells the floor that it was
// given as what it has taken out.

import { parentPort, workerData } from 'node:worker_threads';
import type { ArchivistThreadData, FromArchivist, ToArchivist } from '../../src/archive/protocol.js';

const SLOW_MS = 40;
const { archiveDirectory: manner, trims } = workerData as ArchivistThreadData;
const control = parentPort!;
let looks = 0;

function answer(floor: number): void {
  looks++;
  if (manner === 'dies') process.exit(1);
  if (manner === 'fails once' && looks === 1) {
    control.postMessage({ kind: 'failed', reason: 'the disk is full' } satisfies FromArchivist);
    return;
  }
  const isMore = manner === 'busy' && looks < 5;
  const looked = { trimmed: floor, archived: floor, bytes: null, isHeld: manner === 'held', isMore };
  control.postMessage({ kind: 'looked', looked } satisfies FromArchivist);
}

control.on('message', (message: ToArchivist) => {
  if (message.kind === 'look') setTimeout(() => answer(message.floor), manner === 'slow' ? SLOW_MS : 0);
  else {
    trims.close();
    control.close();
  }
});
