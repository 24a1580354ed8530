// Messages: sent, kept in order, taken once.

import assert from 'node:assert/strict';
import { bodyOf, RFC_3339_UTC, refusalOf, UUID } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Agent, Message, TroupeApi } from './troupe-api.js';

const check = onBothListeners();

const KIB_64 = 65_536;

function send(api: TroupeApi, from: Agent, body: unknown) {
  return api.send({ method: 'POST', path: '/v1/messages', as: from.agent_token, body });
}

function contents({ messages }: { readonly messages: readonly Message[] }): string[] {
  return messages.map(({ content }) => content);
}

check('accepts a message with 202 and hands over the same one, once', async ({ api }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const answer = await send(api, from, { to: to.agent_address, content: 'Hello.\n“é”\u0000\u{1f600}' });
  const sent = bodyOf<Omit<Message, 'content'>>(answer, 202);
  assert.match(sent.message_id, UUID);
  assert.match(sent.timestamp, RFC_3339_UTC);
  assert.deepEqual([sent.from, sent.to], [from.agent_address, to.agent_address]);
  assert.deepEqual(Object.keys(sent).sort(), ['from', 'message_id', 'timestamp', 'to']);
  const taken = await api.take(to);
  assert.deepEqual(taken, { messages: [{ ...sent, content: 'Hello.\n“é”\u0000\u{1f600}' }], remaining: 0 });
  assert.deepEqual(await api.take(to), { messages: [], remaining: 0 });
  assert.deepEqual(await api.take(from), { messages: [], remaining: 0 });
});

check('refuses an unknown recipient with 404, however it is written', async ({ api }) => {
  const from = await api.agent();
  for (const to of ['tab_00000000000000000000', 'nobody', '', 'TAB_X', '../operators', 'a'.repeat(5000)]) {
    refusalOf(await send(api, from, { to, content: 'x' }), 404, 'not_found');
  }
});

check('refuses what is no message with 400', async ({ api }) => {
  const agent = await api.agent();
  const to = agent.agent_address;
  const wrong = [
    {},
    { to },
    { content: 'x' },
    { to, content: '' },
    { to, content: 1 },
    { to: 1, content: 'x' },
    { to, content: null },
  ];
  for (const body of wrong) refusalOf(await send(api, agent, body), 400, 'bad_request');
});

check('takes contents of 1 byte to 64 KiB, counted in bytes, and refuses one more with 413', async ({ api }) => {
  const agent = await api.agent();
  const to = agent.agent_address;
  const euros = '€'.repeat(21_845); // 3 bytes each: one byte less than 64 KiB
  for (const content of ['x', 'x'.repeat(KIB_64), `${euros}x`]) {
    assert.equal((await send(api, agent, { to, content })).status, 202);
    assert.deepEqual(contents(await api.take(agent)), [content]);
  }
  for (const content of ['x'.repeat(KIB_64 + 1), `${euros}é`, `${euros}xx`]) {
    refusalOf(await send(api, agent, { to, content }), 413, 'value_too_large');
  }
  assert.deepEqual(contents(await api.take(agent)), []);
});

check(
  'hands over 50 messages where no limit is asked for, as many as asked for up to 100, in order',
  async ({ api }) => {
    const [from, to] = [await api.agent(), await api.agent()];
    const all = Array.from({ length: 260 }, (_, i) => `message ${i}`);
    for (let at = 0; at < all.length; at += 65) {
      const messages = all.slice(at, at + 65).map((content) => ({ to: to.agent_address, content }));
      await api.must(200, { method: 'POST', path: '/v1/messages/batch', as: from.agent_token, body: { messages } });
    }
    const takes: [query: string, count: number][] = [
      ['', 50],
      ['limit=7', 7],
      ['limit=1', 1],
      ['limit=100', 100],
      ['limit=101', 50],
      ['limit=0', 50],
      ['limit=-1', 2],
    ];
    let at = 0;
    for (const [query, count] of takes) {
      const taken = await api.take(to, query);
      assert.deepEqual(contents(taken), all.slice(at, at + count), query);
      at += count;
      assert.equal(taken.remaining, all.length - at);
    }
    assert.equal(at, all.length);
  },
);

check('falls back to 50 for a limit that is no number', async ({ api }) => {
  const agent = await api.agent();
  for (const query of [
    'limit=x',
    'limit=',
    'limit=1.5',
    'limit=1e1',
    'limit=%zz',
    'limit',
    'limit=99999999999999999999',
  ]) {
    const messages = Array.from({ length: 51 }, (_, i) => ({ to: agent.agent_address, content: `${i}` }));
    await api.must(200, { method: 'POST', path: '/v1/messages/batch', as: agent.agent_token, body: { messages } });
    assert.equal((await api.take(agent, query)).messages.length, 50, query);
    assert.equal((await api.take(agent, query)).messages.length, 1, query);
  }
});

check('keeps the order of each sender while many send at once', async ({ api }) => {
  const to = await api.agent();
  const senders = await Promise.all(Array.from({ length: 4 }, () => api.agent()));
  await Promise.all(
    senders.map(async (from) => {
      for (let i = 0; i < 20; i++) await api.message(from, to, `${i}`);
    }),
  );
  const { messages, remaining } = await api.take(to, 'limit=100');
  assert.equal(remaining, 0);
  for (const { agent_address } of senders) {
    const own = messages.filter(({ from }) => from === agent_address);
    assert.deepEqual(
      own.map(({ content }) => Number(content)),
      Array.from({ length: 20 }, (_, i) => i),
    );
  }
});

check('never hands one message to two of many takers', async ({ api }) => {
  const agent = await api.agent();
  const messages = Array.from({ length: 100 }, (_, i) => ({ to: agent.agent_address, content: `${i}` }));
  await api.must(200, { method: 'POST', path: '/v1/messages/batch', as: agent.agent_token, body: { messages } });
  const takes = await Promise.all(Array.from({ length: 20 }, () => api.take(agent, 'limit=7')));
  const taken = takes.flatMap(contents);
  assert.equal(taken.length, 100);
  assert.equal(new Set(taken).size, 100);
});

check('answers for each message of a batch', async ({ api }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const body = {
    messages: [
      { to: to.agent_address, content: 'first' },
      { to: 'tab_00000000000000000000', content: 'lost' },
      { to: 'nowhere', content: 'lost' },
      { to: to.agent_address, content: 'second' },
    ],
  };
  const { results } = await api.must<{ results: Record<string, string>[] }>(200, {
    method: 'POST',
    path: '/v1/messages/batch',
    as: from.agent_token,
    body,
  });
  assert.deepEqual(
    results.map(({ error }) => error),
    [undefined, 'not_found', 'not_found', undefined],
  );
  const taken = await api.take(to);
  assert.deepEqual(contents(taken), ['first', 'second']);
  assert.deepEqual(
    taken.messages.map(({ message_id, timestamp }) => ({ message_id, timestamp })),
    [results[0], results[3]].map((result) => ({ message_id: result?.message_id, timestamp: result?.timestamp })),
  );
});

check('refuses a batch of none, of more than 100, or with something that is no message, whole', async ({ api }) => {
  const agent = await api.agent();
  const good = { to: agent.agent_address, content: 'x' };
  const batch = (messages: unknown) =>
    api.send({ method: 'POST', path: '/v1/messages/batch', as: agent.agent_token, body: { messages } });
  for (const messages of [
    [],
    Array.from({ length: 101 }, () => good),
    [good, { to: good.to }],
    [good, null],
    'x',
    undefined,
  ]) {
    refusalOf(await batch(messages), 400, 'bad_request');
  }
  refusalOf(await batch([good, { ...good, content: 'x'.repeat(KIB_64 + 1) }]), 413, 'value_too_large');
  assert.deepEqual(contents(await api.take(agent)), []);
  assert.equal((await batch(Array.from({ length: 100 }, () => good))).status, 200);
  assert.equal((await api.take(agent, 'limit=100')).messages.length, 100);
});
