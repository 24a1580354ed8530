// Sender thread
//
// What the sender does in its thread (src/webhooks.ts): each push it is given it sends, and tells how that ended. Names,
// certificates and signatures cost time, which the thread of the front door has not.
//
// ST1. Each push is answered once.
// ST2. What ends in one turn of the loop is told in one message.

import type { MessagePort } from 'node:worker_threads';
import type { FromSender, SenderThreadData, ToSender } from './protocol.js';
import { createResolver } from './resolver.js';
import { WebhookSender } from './sender.js';

/** Runs until it is told to stop. */
export function runSender(control: MessagePort, data: SenderThreadData): void {
  const sender = new WebhookSender({ ...data, resolve: createResolver() });
  let ended: FromSender['results'][number][] = [];

  const tell = (): void => {
    control.postMessage({ results: ended } satisfies FromSender);
    ended = [];
  };

  control.on('message', (message: ToSender) => {
    switch (message.kind) {
      case 'send':
        for (const { ticket, ...push } of message.pushes) {
          void sender.send(push).then((result) => {
            if (ended.push({ ticket, result }) === 1) setImmediate(tell);
          });
        }
        break;
      case 'stop':
        void sender.close().then(() => control.close());
        break;
      default:
        message satisfies never;
    }
  });
}
