// A live session goes before the webhook, and the webhook before pull.

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { until } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import { SessionClient } from './session-client.js';
import { hookedAgent, IMPATIENT } from './webhook-agents.js';
import { WebhookReceiver } from './webhook-receiver.js';

const check = onBothListeners({ ...IMPATIENT, 'webhooks.timeout_ms': 20_000 });

check(
  'what is being pushed ends first; the rest is the session’s, and nothing comes twice',
  async ({ api, server }) => {
    const operator = await api.operator();
    const held: ServerResponse[] = [];
    const receiver = await WebhookReceiver.start(() => (response) => void held.push(response));
    try {
      const hooked = await hookedAgent(api, operator, receiver.url());
      const sender = await api.agent(operator);
      await api.message(sender, hooked, 'first');
      await until('the first is under way', () => held.length === 1);
      await api.message(sender, hooked, 'second');
      const session = await SessionClient.live(server.port, hooked);
      await api.message(sender, hooked, 'third');
      assert.ok(!session.frames.some(({ type }) => type === 'message'), 'the first may be delivered any moment');
      held[0]!.writeHead(200).end();
      const [second, third] = [await session.next('message'), await session.next('message')];
      assert.deepEqual([second.content, third.content], ['second', 'third']);
      assert.deepEqual([second.seq, third.seq], [2, 3]);
      assert.deepEqual(receiver.contents(), ['first']);
      // It ends without an acknowledgement: the webhook is next.
      await session.close();
      await until('the second is pushed', () => held.length === 2);
      held[1]!.writeHead(200).end();
      await until('the third is pushed', () => held.length === 3);
      held[2]!.writeHead(200).end();
      assert.deepEqual(receiver.contents(), ['first', 'second', 'third']);
      assert.deepEqual((await api.take(hooked)).messages, []);
    } finally {
      await receiver.close();
    }
  },
);

check('what fails while a session lives is the session’s, without another try', async ({ api, server }) => {
  const operator = await api.operator();
  const held: ServerResponse[] = [];
  const receiver = await WebhookReceiver.start(() => (response) => void held.push(response));
  try {
    const hooked = await hookedAgent(api, operator, receiver.url());
    await api.message(await api.agent(operator), hooked, 'only');
    await until('it is under way', () => held.length === 1);
    const session = await SessionClient.live(server.port, hooked);
    held[0]!.writeHead(500).end();
    const only = await session.next('message');
    assert.deepEqual([only.content, only.seq], ['only', 1]);
    session.send({ type: 'ack', seq: 1 });
    const events = () => api.send({ path: `/observe/events?agent=${hooked.agent_address}&type=message_delivered` });
    await until('it is delivered', async () => (await events()).text.includes('message_delivered'));
    assert.match((await events()).text, /"delivery_method":"session"/);
    assert.equal(held.length, 1);
    await session.close();
  } finally {
    await receiver.close();
  }
});
