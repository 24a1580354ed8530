// What is asked over a session, and what becomes of it when connections come and go (requests.ts).

import assert from 'node:assert/strict';
import { connect } from '../../src/client/node.js';
import { CLOSE } from '../../src/contract/session.js';
import { failure, onAScript } from './on-a-script.js';
import { AGENT, LIMITS, type Peer, TOKEN } from './scripted-server.js';

const SENT = { message_id: 'id', timestamp: '2026-01-01T00:00:00Z' };

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function answer(peer: Peer, content: string): Promise<void> {
  const frame = await peer.frame('send');
  assert.equal(frame.content, content);
  peer.send({ type: 'ok', id: frame.id, ...SENT });
}

onAScript('sends a message, and tells its id', async ({ live }) => {
  const [agent, peer] = await live();
  const sending = agent.send(AGENT, 'text');
  await answer(peer, 'text');
  assert.deepEqual(await sending, { messageId: SENT.message_id, timestamp: SENT.timestamp });
});

onAScript('sends again with the same key over the next connection, in the old order (Q2)', async ({ live, server }) => {
  const [agent, peer] = await live({}, { limits: { ...LIMITS, requests_in_flight_max: 3 } });
  const sending = ['a', 'b', 'c'].map((content) => agent.send(AGENT, content));
  sending.push(agent.send(AGENT, 'd', { idempotencyKey: 'my-own' }));
  const sent = [await peer.frame('send'), await peer.frame('send'), await peer.frame('send')];
  peer.cut();
  const again = await server.peer();
  await again.welcome();
  for (const first of sent) {
    const frame = await again.frame('send');
    assert.deepEqual(frame, first);
    assert.match(String(frame.idempotency_key), /^[0-9a-f]{32}$/);
    again.send({ type: 'ok', id: frame.id, ...SENT });
    again.send({ type: 'ok', id: frame.id, message_id: 'a second answer' });
  }
  const last = await again.frame('send');
  assert.equal(last.idempotency_key, 'my-own');
  again.send({ type: 'ok', id: last.id, ...SENT });
  for (const one of sending) assert.equal((await one).messageId, SENT.message_id);
  assert.equal(new Set(sent.map(({ idempotency_key }) => idempotency_key)).size, 3);
});

for (const code of ['rate_limited', 'unavailable']) {
  onAScript(`waits when it is refused with ${code}, and sends again`, async ({ live }) => {
    const [agent, peer] = await live();
    const sending = agent.send(AGENT, 'text');
    const first = await peer.frame('send');
    const refusedAt = performance.now();
    peer.send({ type: 'error', id: first.id, error: code, message: '', retry_after_ms: 40 });
    const second = await peer.frame('send');
    assert.ok(performance.now() - refusedAt >= 39);
    assert.deepEqual(second, first);
    peer.send({ type: 'ok', id: second.id, ...SENT });
    await sending;
  });
}

onAScript('hands on a refusal that asks for more time than there is', async ({ live }) => {
  const [agent, peer] = await live();
  const sending = agent.send(AGENT, 'text', { timeoutMs: 5_000 });
  const { id } = await peer.frame('send');
  const refused = { error: 'rate_limited', message: 'full', detail: 'inbox_full', retry_after_ms: 6_000 };
  peer.send({ type: 'error', id, ...refused });
  const error = await failure(sending, 'rate_limited');
  assert.deepEqual([error.status, error.retryAfterMs, error.detail, error.message], [429, 6_000, 'inbox_full', 'full']);
});

onAScript('hands on every other refusal', async ({ live }) => {
  const [agent, peer] = await live();
  const sending = agent.send('tab_nobody', 'text');
  const { id } = await peer.frame('send');
  peer.send({ type: 'error', id, error: 'not_found', message: 'There is no such agent.' });
  const error = await failure(sending, 'not_found');
  assert.equal(error.status, 404);
  assert.equal(error.retryAfterMs, undefined);
});

onAScript('ends by its deadline and by its signal, and takes no answer after that (Q1)', async ({ live }) => {
  const [agent, peer] = await live();
  const late = agent.send(AGENT, 'late', { timeoutMs: 20 });
  const { id } = await peer.frame('send');
  await failure(late, 'timeout');
  peer.send({ type: 'ok', id, ...SENT });
  const stop = new AbortController();
  const aborted = agent.send(AGENT, 'aborted', { signal: stop.signal });
  await peer.frame('send');
  stop.abort('enough');
  assert.equal((await failure(aborted, 'aborted')).cause, 'enough');
  await failure(agent.send(AGENT, 'text', { signal: stop.signal }), 'aborted');
  await failure(agent.send(AGENT, 'text', { timeoutMs: 25 * 3_600_000 }), 'bad_request');
  assert.equal(peer.waiting, 0);
});

onAScript('tells what refused it last when the time is over', async ({ live }) => {
  const [agent, peer] = await live();
  const sending = agent.send(AGENT, 'text', { timeoutMs: 60 });
  for (let attempt = 0; attempt < 2; attempt++) {
    const { id } = await peer.frame('send');
    if (attempt === 0) peer.send({ type: 'error', id, error: 'unavailable', message: 'busy', retry_after_ms: 1 });
  }
  assert.match(String((await failure(sending, 'timeout')).cause), /busy/);
});

onAScript('repeats what may be repeated, and owns up to not knowing about the rest (Q3)', async ({ live, server }) => {
  const [agent, peer] = await live();
  const read = agent.state.get('key');
  const put = agent.state.put('key', 'value');
  const lost = [
    agent.state.put('key', 'value', { ifMatch: 'etag' }),
    agent.state.put('key', 'value', { ifAbsent: true }),
    agent.state.delete('key'),
  ];
  await peer.frame('state.get');
  await peer.frame('state.put');
  assert.equal((await peer.frame('state.put')).if_match, 'etag');
  assert.equal((await peer.frame('state.put')).if_none_match, '*');
  await peer.frame('state.delete');
  peer.cut();
  for (const one of lost) await failure(one, 'outcome_unknown');
  const deleted = agent.state.delete('key');
  const again = await server.peer();
  await again.welcome();
  const { id: readId } = await again.frame('state.get');
  again.send({ type: 'error', id: readId, error: 'not_found', message: '' });
  assert.equal(await read, undefined);
  const { id: putId } = await again.frame('state.put');
  again.send({ type: 'ok', id: putId, key: 'key', written_by: AGENT, written_at: 'now', etag: 'e' });
  assert.deepEqual(await put, { key: 'key', etag: 'e', by: AGENT, at: 'now' });
  const { id } = await again.frame('state.delete');
  again.send({ type: 'ok', id, key: 'key', deleted_by: AGENT, deleted_at: 'now' });
  assert.deepEqual(await deleted, { key: 'key', by: AGENT, at: 'now' }, 'it was not sent before, so it is now');
});

onAScript('keeps to what the server lets wait at once (Q4)', async ({ live }) => {
  const [agent, peer] = await live({}, { limits: { ...LIMITS, requests_in_flight_max: 2 } });
  const sending = ['a', 'b', 'c'].map((content) => agent.send(AGENT, content));
  const [a, b] = [await peer.frame('send'), await peer.frame('send')];
  assert.equal(peer.waiting, 0);
  peer.send({ type: 'ok', id: b.id, ...SENT });
  await answer(peer, 'c');
  peer.send({ type: 'ok', id: a.id, ...SENT });
  await Promise.all(sending);
});

onAScript('sends no frame that is too large (Q4)', async ({ live }) => {
  const [agent, peer] = await live({}, { limits: { ...LIMITS, frame_bytes_max: 200 } });
  const error = await failure(agent.send(AGENT, 'ü'.repeat(100)), 'value_too_large');
  assert.equal(error.status, 413);
  assert.equal(peer.waiting, 0);
});

onAScript('refuses what is no text before it is sent', async ({ live }) => {
  const [agent, peer] = await live();
  await failure(agent.send(AGENT, undefined as unknown as string), 'bad_request');
  assert.equal(peer.waiting, 0);
});

onAScript('gives up a request that sessions are closed over', async ({ live, server }) => {
  const [agent, first] = await live();
  const sending = agent.send(AGENT, 'text');
  let peer = first;
  for (let time = 0; time < 3; time++) {
    await peer.frame('send');
    peer.close(CLOSE.badFrame);
    peer = time < 2 ? await server.peer() : peer;
    if (time < 2) await peer.welcome();
  }
  await failure(sending, 'bad_request');
});

onAScript('lists page by page, and reads the registry', async ({ live }) => {
  const [agent, peer] = await live();
  const listing = collected(agent.state.list('a/'));
  const first = await peer.frame('state.list');
  assert.deepEqual([first.prefix, first.cursor], ['a/', undefined]);
  peer.send({ type: 'ok', id: first.id, keys: ['a/1'], next_cursor: 'next', total: 2 });
  const second = await peer.frame('state.list');
  assert.equal(second.cursor, 'next');
  peer.send({ type: 'ok', id: second.id, keys: ['a/2'], next_cursor: null, total: 2 });
  assert.deepEqual(await listing, ['a/1', 'a/2']);
  const registry = collected(agent.registry());
  const { id } = await peer.frame('registry');
  peer.send({ type: 'ok', id, agents: [{ address: AGENT, registered_at: 'then' }], next_cursor: null, total: 1 });
  assert.deepEqual(await registry, [{ address: AGENT, registeredAt: 'then' }]);
});

onAScript('fails what waits when it is closed', async ({ live }) => {
  const [agent, peer] = await live();
  const waiting = [agent.send(AGENT, 'text'), agent.ping()];
  await peer.frame('send');
  agent.close();
  for (const one of waiting) await failure(one, 'closed');
  await failure(agent.ping(), 'closed');
});

onAScript('sends what was asked for before the session was live', async ({ server }) => {
  const connecting = connect(server.url, { token: TOKEN });
  const peer = await server.peer();
  await peer.welcome();
  const agent = await connecting;
  peer.cut();
  const pinging = agent.ping();
  const again = await server.peer();
  await again.welcome();
  again.send({ type: 'pong', id: (await again.frame('ping')).id });
  assert.ok((await pinging) >= 0);
  agent.close();
});
