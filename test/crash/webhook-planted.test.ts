// The run with webhooks can fail: bugs planted in a copy of the real server are found, each as what it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Patch, plant } from './planted-build.js';
import { runWebhookChaos } from './webhook-chaos.js';
import type { WebhookFindingKind } from './webhook-ledger.js';

const SEED = 4_711;
const RUNS_MAX = 3;

/** A message that was given up is written down as delivered. */
const loseGivenUp: readonly Patch[] = [
  {
    file: 'actors/endpoint/queue.js',
    find: "this.#settle(entry, 'failed'); return true;",
    replace: "this.#settle(entry, 'delivered'); return true;",
  },
];

/** The agent writes down what was delivered, and keeps the message. */
const keepDelivered: readonly Patch[] = [
  {
    file: 'actors/agent/webhook.js',
    find: "context.store.delete(['inbox', context.key, id]); emitDelivered(context, messageId, 'push');",
    replace:
      "inbox.append({ messageId, bytes, from: '', content: '', at: 0 }); context.store.put(['inbox', context.key, inbox.nextSeq - 1], readRow(context, life, id)); context.store.delete(['inbox', context.key, id]); emitDelivered(context, messageId, 'push');",
  },
];

/** What a sender said leaves by several lanes at once. */
const forgetLanes: readonly Patch[] = [
  { file: 'actors/endpoint/queue.js', find: 'busy.add(entry.delivery.lane);', replace: '' },
];

const plants: readonly (readonly [name: string, patches: readonly Patch[], finding: WebhookFindingKind])[] = [
  ['loses what was given up', loseGivenUp, 'lost'],
  ['pushes again what was delivered', keepDelivered, 'pushed again'],
  ['pushes what one sender said side by side', forgetLanes, 'reordered'],
];

for (const [name, patches, finding] of plants) {
  test(`a server that ${name} is found out`, async () => {
    const found = new Set<WebhookFindingKind>();
    for (let runs = 0; runs < RUNS_MAX && !found.has(finding); runs++) {
      const build = plant(patches);
      try {
        const options = {
          mainFile: build.mainFile,
          seed: SEED + runs,
          kills: 1,
          messagesPerSender: 12,
          drainMs: 8_000,
        };
        for (const { kind } of (await runWebhookChaos(options)).findings) found.add(kind);
      } finally {
        build.remove();
      }
    }
    assert.ok(found.has(finding), `found only: ${[...found].join(', ')}`);
  });
}
