// Raw transfer
//
// What two threads and a packer allow: parcels packed 256 at once, handed over by transfer, unpacked and looked at, with
// as many batches under way as the actors have, and nothing that has an address.

import { once } from 'node:events';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';

export interface TransferEnd {
  readonly role: 'sender' | 'receiver';
  readonly port: MessagePort;
}

export type TransferOrder =
  | { readonly kind: 'send'; readonly budgetMs: number }
  /** How much came, to the receiver. */
  | { readonly kind: 'count' };

export type TransferSaid =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sent'; readonly operations: number; readonly elapsedMs: number }
  | { readonly kind: 'received'; readonly count: number };

type Said<K extends TransferSaid['kind']> = Extract<TransferSaid, { readonly kind: K }>;

export class RawTransfer {
  readonly #sender: Worker;
  readonly #receiver: Worker;

  private constructor(sender: Worker, receiver: Worker) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  static async open(): Promise<RawTransfer> {
    const { port1, port2 } = new MessageChannel();
    const ends = [startEnd({ role: 'sender', port: port1 }), startEnd({ role: 'receiver', port: port2 })] as const;
    await Promise.all(ends.map((end) => once(end, 'message')));
    return new RawTransfer(...ends);
  }

  /** Resolves when all that was sent within the budget was received. */
  send(budgetMs: number): Promise<Said<'sent'>> {
    return ordered(this.#sender, { kind: 'send', budgetMs }, 'sent');
  }

  async count(): Promise<number> {
    return (await ordered(this.#receiver, { kind: 'count' }, 'received')).count;
  }

  async close(): Promise<void> {
    await Promise.all([this.#sender.terminate(), this.#receiver.terminate()]);
  }
}

function startEnd(end: TransferEnd): Worker {
  return new Worker(join(import.meta.dirname, 'raw-transfer-thread.js'), { workerData: end, transferList: [end.port] });
}

async function ordered<K extends TransferSaid['kind']>(to: Worker, order: TransferOrder, kind: K): Promise<Said<K>> {
  to.postMessage(order);
  const [said] = (await once(to, 'message')) as [TransferSaid];
  if (said.kind !== kind) throw new Error(`An end of a transfer said ${said.kind}, and was to say ${kind}`);
  return said as Said<K>;
}
