// Agents' webhooks on the real server: what a receiver sees, and what is left to those who pull.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { until } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Agent } from './troupe-api.js';
import { hookedAgent, IMPATIENT, pointWebhook } from './webhook-agents.js';
import { isForged, verified, WebhookReceiver } from './webhook-receiver.js';

const check = onBothListeners(IMPATIENT);

let receiver: WebhookReceiver;
before(async () => {
  receiver = await WebhookReceiver.start();
});
after(() => receiver.close());

/** A path of the receiver that no other test uses. */
let paths = 0;
function ownPath(): string {
  return `/hook-${++paths}`;
}

const numbered = (count: number, name: string): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`);

check('a message is pushed, signed with the secret that was given once, and is in no other way', async ({ api }) => {
  const operator = await api.operator();
  const path = ownPath();
  const hooked = await hookedAgent(api, operator, receiver.url(path));
  assert.match(hooked.webhook_secret, /^whsec_[A-Za-z0-9+/]{32}$/);
  const sender = await api.agent(operator);
  const messageId = await api.message(sender, hooked, 'hello');
  await until('it is pushed', () => receiver.bodies(path).length === 1);
  const one = receiver.received.find((each) => each.path === path)!;
  assert.equal(one.headers['webhook-id'], messageId);
  assert.equal(one.headers['content-type'], 'application/json');
  assert.ok(isForged(one, 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'));
  const { timestamp, ...body } = verified(one, hooked.webhook_secret);
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
  const expected = { message_id: messageId, from: sender.agent_address, to: hooked.agent_address, content: 'hello' };
  assert.deepEqual(body, expected);
  assert.deepEqual(await api.take(hooked), { messages: [], remaining: 0 });
});

check('what is pushed is told so in the event log, and the URL and the secret are nowhere in it', async ({ api }) => {
  const operator = await api.operator();
  const path = ownPath();
  const hooked = await hookedAgent(api, operator, receiver.url(path));
  const id = await api.message(await api.agent(operator), hooked, 'logged');
  const events = () => api.send({ path: `/observe/events?agent=${hooked.agent_address}` });
  await until('it is logged', async () => (await events()).text.includes('"message_delivered"'));
  const { text } = await events();
  const log = JSON.parse(text) as { events: { type: string; data: Record<string, unknown> }[] };
  const of = (type: string) => log.events.filter((event) => event.type === type).map(({ data }) => data);
  const delivered = { message_id: id, to: hooked.agent_address, delivery_method: 'push' };
  assert.deepEqual(of('message_delivered'), [delivered]);
  assert.equal(of('agent_registered')[0]!.has_webhook, true);
  assert.ok(!text.includes(path) && !text.includes(hooked.webhook_secret));
});

check('messages of each sender come in order, while those of others are not held up', async ({ api }) => {
  const operator = await api.operator();
  const path = ownPath();
  const hooked = await hookedAgent(api, operator, receiver.url(path));
  const senders = await Promise.all([0, 1, 2].map(() => api.agent(operator)));
  const contents = numbered(40, 'message');
  const sendAll = async (sender: Agent) => {
    for (const content of contents) await api.message(sender, hooked, content);
  };
  await Promise.all(senders.map(sendAll));
  await until('all are pushed', () => receiver.bodies(path).length >= 120);
  for (const { agent_address } of senders) {
    const of = receiver.bodies(path).filter(({ from }) => from === agent_address);
    assert.deepEqual(
      of.map(({ content }) => content),
      contents,
    );
  }
});

check(
  'a push that fails is tried again, with the same id, and delivered by the try that is answered well',
  async ({ api }) => {
    const operator = await api.operator();
    let tries = 0;
    const flaky = await WebhookReceiver.start(() => (++tries < 3 ? 500 : 200));
    try {
      const hooked = await hookedAgent(api, operator, flaky.url());
      const id = await api.message(await api.agent(operator), hooked, 'again');
      await until('three tries', () => flaky.received.length === 3);
      assert.deepEqual(
        flaky.received.map(({ headers }) => headers['webhook-id']),
        [id, id, id],
      );
      assert.deepEqual(await api.take(hooked), { messages: [], remaining: 0 });
    } finally {
      await flaky.close();
    }
  },
);

check('a message that all tries failed for is pulled, and the next one is pushed', async ({ api }) => {
  const operator = await api.operator();
  const path = ownPath();
  const broken = await WebhookReceiver.start(({ text }) => (text.includes('poison') ? 302 : 200));
  try {
    const hooked = await hookedAgent(api, operator, broken.url(path));
    const sender = await api.agent(operator);
    await api.message(sender, hooked, 'poison');
    await api.message(sender, hooked, 'fine');
    await until('the other one is pushed', () => broken.contents(path).includes('fine'));
    const { messages } = await api.take(hooked, 'wait=10');
    assert.deepEqual(
      messages.map(({ content }) => content),
      ['poison'],
    );
    assert.deepEqual(broken.contents(path), ['poison', 'poison', 'poison', 'poison', 'fine']);
  } finally {
    await broken.close();
  }
});

check(
  'a webhook that fails five times in a row is left alone, and its messages are pulled at once',
  async ({ api }) => {
    const operator = await api.operator();
    const dead = await WebhookReceiver.start(() => 503);
    try {
      const hooked = await hookedAgent(api, operator, dead.url());
      const sender = await api.agent(operator);
      const contents = numbered(8, 'lost');
      for (const content of contents) await api.message(sender, hooked, content);
      const taken: string[] = [];
      await until('all are pulled', async () => {
        taken.push(...(await api.take(hooked, 'wait=1')).messages.map(({ content }) => content));
        return taken.length === contents.length;
      });
      assert.deepEqual(taken, contents);
      assert.equal(dead.received.length, 20, 'five messages, four tries each');
    } finally {
      await dead.close();
    }
  },
);

check('another URL gets what is owed, with another secret; none leaves it to those who pull', async ({ api }) => {
  const operator = await api.operator();
  const silent = await WebhookReceiver.start(() => undefined);
  try {
    const hooked = await hookedAgent(api, operator, silent.url());
    const sender = await api.agent(operator);
    await api.message(sender, hooked, 'first');
    await until('it is under way', () => silent.received.length === 1);
    const path = ownPath();
    const set = await pointWebhook(api, operator, hooked, receiver.url(path));
    assert.notEqual(set.webhook_secret, hooked.webhook_secret);
    await until('it is pushed there', () => receiver.bodies(path).length === 1);
    verified(receiver.received.find((one) => one.path === path)!, set.webhook_secret!);
    await pointWebhook(api, operator, hooked, silent.url());
    await api.message(sender, hooked, 'second');
    await api.message(sender, hooked, 'third');
    await until('it is under way', () => silent.received.length >= 2);
    assert.deepEqual((await api.take(hooked)).messages, [], 'it is owed');
    assert.deepEqual(await pointWebhook(api, operator, hooked, null), {
      agent_address: hooked.agent_address,
      webhook_url: null,
    });
    const taken: string[] = [];
    await until('both are pulled', async () => {
      taken.push(...(await api.take(hooked, 'wait=1')).messages.map(({ content }) => content));
      return taken.length === 2;
    });
    assert.deepEqual(taken.sort(), ['second', 'third']);
  } finally {
    await silent.close();
  }
});

check('another operator cannot point the webhook of an agent anywhere', async ({ api }) => {
  const hooked = await hookedAgent(api, await api.operator(), receiver.url(ownPath()));
  await pointWebhook(api, await api.operator(), hooked, receiver.url(ownPath()), 404);
});

check('the tries of pushes are in the metrics, by how they ended, and so are open circuits', async ({ api }) => {
  const operator = await api.operator();
  const path = ownPath();
  const dead = await WebhookReceiver.start(() => 503);
  try {
    const hooked = await hookedAgent(api, operator, dead.url());
    const sender = await api.agent(operator);
    for (const content of numbered(5, 'metered')) await api.message(sender, hooked, content);
    await api.message(sender, await hookedAgent(api, operator, receiver.url(path)), 'metered');
    await until('it is pushed', () => receiver.bodies(path).length === 1);
    const page = async (): Promise<string> => (await api.send({ path: '/metrics' })).text;
    await until('a circuit is open', async () => /troupe_webhook_circuits_open [1-9]/.test(await page()));
    assert.match(await page(), /troupe_webhook_seconds_count\{outcome="refused"\} [2-9]\d/);
    assert.match(await page(), /troupe_webhook_seconds_count\{outcome="delivered"\} [1-9]/);
    await pointWebhook(api, operator, hooked, receiver.url(path));
    await api.message(sender, hooked, 'to the other one');
    await until('another URL is tried at once', () => receiver.contents(path).includes('to the other one'));
  } finally {
    await dead.close();
  }
});
