// Archivist thread
//
// What the archivist does in its thread (src/archivist.ts): it looks when it is told to, and has the applier take out what
// it has archived.
//
// Owns:     its end of the port, and the way to the applier.
// Does not: say when (retention.ts), or open the tables.

import { setTimeout as pause } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import type { TrimAnswer, TrimSlice } from '../runtime/event-trim.js';
import type { StoreReader } from '../runtime/storage/store.js';
import { Archivist } from './archivist.js';
import type { ArchivistThreadData, FromArchivist, ToArchivist } from './protocol.js';

/** Runs until it is told to stop; `reader` is closed then. */
export function runArchivist(control: MessagePort, data: ArchivistThreadData, reader: StoreReader): void {
  const { archiveDirectory: directory, policy, trims } = data;
  const say = (message: FromArchivist): void => control.postMessage(message);
  const archivist = new Archivist({ reader, directory, policy, trim: askingFor(trims), rest: (ms) => pause(ms) });
  let looking = Promise.resolve();

  const look = async (floor: number, nowMs: number): Promise<void> => {
    try {
      say({ kind: 'looked', looked: await archivist.look(floor, nowMs) });
    } catch (error) {
      say({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
    }
  };
  const stop = async (): Promise<void> => {
    archivist.stop();
    await looking;
    trims.close();
    await reader.close();
    control.close();
  };
  control.on('message', (message: ToArchivist) => {
    switch (message.kind) {
      case 'look':
        looking = looking.then(() => look(message.floor, message.nowMs));
        break;
      case 'stop':
        void stop();
        break;
      default:
        message satisfies never;
    }
  });
}

/** One slice at a time. Rejects when the applier has ended. */
function askingFor(trims: MessagePort): (slice: TrimSlice) => Promise<TrimAnswer> {
  let isClosed = false;
  trims.once('close', () => {
    isClosed = true;
  });
  return (slice) =>
    new Promise((resolve, reject) => {
      if (isClosed) throw new Error('the tables take nothing out any more');
      const closed = (): void => reject(new Error('the tables take nothing out any more'));
      trims.once('close', closed);
      trims.once('message', (answer: TrimAnswer) => {
        trims.off('close', closed);
        resolve(answer);
      });
      trims.postMessage(slice);
    });
}
