// Webhooks on a server that is killed again and again: nothing is lost, nothing is delivered twice, and nothing is pushed again
// after its delivery was written down.
//
//   CRASH_SEED=7 CRASH_KILLS=100 node --test dist/test/crash/webhooks.test.js

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ServerProcess } from '../server/server-process.js';
import { TroupeApi } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';
import { hookedAgent } from '../server/webhook-agents.js';
import { WebhookReceiver } from '../server/webhook-receiver.js';
import { runWebhookChaos } from './webhook-chaos.js';

const KILLS_DEFAULT = 8;
const KILLS_PER_RUN = 8;
const DRAIN_MS = 40_000;
const kills = Number(process.env.CRASH_KILLS ?? KILLS_DEFAULT);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

test(`all messages leave once, in order, after ${kills} kills (seed ${seed})`, async () => {
  for (let done = 0; done < kills; done += KILLS_PER_RUN) {
    const options = { seed: seed + done, kills: Math.min(KILLS_PER_RUN, kills - done), messagesPerSender: 40 };
    const { findings, sent, pushed, pulled } = await runWebhookChaos({ ...options, drainMs: DRAIN_MS });
    console.log(`seed ${options.seed}: ${sent} sent, ${pushed} pushed, ${pulled} pulled`);
    assert.deepEqual(findings.slice(0, 10), []);
    assert.equal(sent, 600);
    assert.ok(pushed > sent / 2 && pulled > 0, `${pushed} pushed, ${pulled} pulled`);
  }
});

test('what is owed when the server is killed is pushed by the next one, though nobody calls it', async () => {
  const receiver = await WebhookReceiver.start(() => undefined);
  const server = await ServerProcess.start({ 'webhooks.allow_private': 'true', 'webhooks.timeout_ms': 60_000 });
  const api = new TroupeApi(() => server.port);
  try {
    const operator = await api.operator();
    const hooked = await hookedAgent(api, operator, receiver.url());
    const sender = await api.agent(operator);
    for (const content of ['one', 'two', 'three']) await api.message(sender, hooked, content);
    const before = performance.now();
    while (receiver.received.length === 0 && performance.now() - before < 10_000) await pause(10);
    await server.kill();
    receiver.received.length = 0;
    receiver.behaviour = () => 200;
    await server.startAgain();
    const begun = performance.now();
    while (receiver.received.length < 3 && performance.now() - begun < 30_000) await pause(10);
    assert.deepEqual(receiver.contents(), ['one', 'two', 'three']);
    const checked = await runTroupe(['check', server.dataDirectory]);
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
    assert.match(checked.stdout, /webhook 1\b/);
  } finally {
    api.close();
    await server.dispose();
    await receiver.close();
  }
});
