// The client and the real server, over both listeners: what is sent arrives once, whatever happens to the server meanwhile.

import assert from 'node:assert/strict';
import { type AgentSession, connect, HttpClient, solveChallenge } from '../../src/client/node.js';
import { until } from '../server/expectations.js';
import { onServersOfTheirOwn } from '../server/on-both-listeners.js';
import type { ServerProcess } from '../server/server-process.js';
import { failure, nextOf } from './on-a-script.js';
import { Relay } from './relay.js';

const check = onServersOfTheirOwn();

/** An agent of a new operator, by the client's own calls. */
async function agentOf(server: ServerProcess): Promise<{ address: string; token: string; apiKey: string }> {
  const http = new HttpClient(server.url);
  const { api_key } = await http.createOperator('c0ffee');
  const operator = http.operator(api_key);
  const { challenge_id, challenge_type, challenge_data } = await operator.challenge();
  const response = solveChallenge(challenge_type, challenge_data);
  const { agent_address, agent_token } = await operator.registerAgent(challenge_id, response);
  return { address: agent_address, token: agent_token, apiKey: api_key };
}

async function sessionOf(server: ServerProcess, url = server.url): Promise<AgentSession> {
  const { token } = await agentOf(server);
  return connect(url, { token });
}

/** The contents that come, until `count` are there. All are acknowledged. */
async function receive(agent: AgentSession, count: number): Promise<string[]> {
  const contents: string[] = [];
  for await (const message of agent.messages()) {
    contents.push(message.content);
    message.ack();
    if (contents.length === count) break;
  }
  return contents;
}

check('sends and receives, in order, and leaves nothing in the inbox', async ({ server }) => {
  const [ada, bob] = [await sessionOf(server), await agentOf(server)];
  const early = await ada.send(bob.address, 'number 0');
  assert.match(early.messageId, /^[0-9a-f-]{36}$/);
  const session = await connect(server.url, { token: bob.token, window: 4 });
  assert.equal(session.address, bob.address);
  const expected = Array.from({ length: 40 }, (_, number) => `number ${number}`);
  const sending = expected.slice(1).map((content) => ada.send(bob.address, content));
  assert.deepEqual(await receive(session, 40), expected);
  await Promise.all(sending);
  await session.ping();
  session.close();
  ada.close();
  const { messages } = await new HttpClient(server.url).agent(bob.token).takeMessages();
  assert.deepEqual(messages, []);
});

check('survives kill -9 and a stop, without loss or duplicates', async ({ server }) => {
  const relay = await Relay.start(server.port);
  const [ada, bob] = [await sessionOf(server, relay.url), await sessionOf(server, relay.url)];
  const count = 120;
  const expected = Array.from({ length: count }, (_, number) => `number ${number}`);
  const received = receive(bob, count);
  for (const [number, content] of expected.entries()) {
    const sending = ada.send(bob.address, content);
    if (number === 40 || number === 80) {
      await (number === 40 ? server.kill() : server.stop());
      await server.startAgain();
      relay.port = server.port;
    }
    await sending;
  }
  assert.deepEqual(await received, expected);
  ada.close();
  bob.close();
  relay.close();
});

check('hands a message that was not done to the next program, and not what was', async ({ server }) => {
  const [ada, bob] = [await sessionOf(server), await agentOf(server)];
  for (const content of ['a', 'b', 'c']) await ada.send(bob.address, content);
  const first = await connect(server.url, { token: bob.token });
  const loop = first.messages();
  await nextOf(loop);
  const second = await nextOf(loop);
  assert.equal(second.redelivered, false);
  const position = first.position!;
  first.close();
  const next = await connect(server.url, { token: bob.token, from: position });
  const again = next.messages();
  const message = await nextOf(again);
  assert.deepEqual([message.content, message.redelivered], ['b', true]);
  assert.equal((await nextOf(again)).content, 'c');
  next.close();
  ada.close();
});

check('is replaced by a newer session, ended with its agent, and refused with a wrong token', async ({ server }) => {
  const { token, address, apiKey } = await agentOf(server);
  const older = await connect(server.url, { token });
  const replaced = failure(older.messages().next(), 'replaced');
  const newer = await connect(server.url, { token });
  await replaced;
  const retired = failure(newer.messages().next(), 'retired');
  await new HttpClient(server.url).operator(apiKey).retireAgent(address);
  await retired;
  await failure(connect(server.url, { token }), 'unauthorized');
  await failure(connect(server.url, { token: `at_live_${'0'.repeat(64)}` }), 'unauthorized');
});

check('reads, writes and watches the shared state', async ({ server }) => {
  const [ada, bob] = [await sessionOf(server), await sessionOf(server)];
  const loop = bob.state.watch('a/');
  assert.deepEqual(await nextOf(loop), { kind: 'reset' });
  const written = await ada.state.put('a/1', 'one');
  const event = await nextOf(loop);
  assert.deepEqual(event.kind === 'change' && [event.key, event.etag, event.deleted], ['a/1', written.etag, false]);
  const entry = await bob.state.get('a/1');
  assert.deepEqual([entry?.value, entry?.etag, entry?.by], ['one', written.etag, ada.address]);
  assert.equal(await bob.state.get('a/2'), undefined);
  await failure(bob.state.put('a/1', 'two', { ifAbsent: true }), 'conflict');
  const conflict = await failure(bob.state.put('a/1', 'two', { ifMatch: 'other' }), 'conflict');
  assert.equal(conflict.detail, written.etag);
  await bob.state.put('a/1', 'two', { ifMatch: written.etag });
  await nextOf(loop);
  const keys: string[] = [];
  for await (const key of ada.state.list('a/')) keys.push(key);
  assert.deepEqual(keys, ['a/1']);
  assert.equal((await ada.state.listPage()).total, 1);
  await ada.state.delete('a/1');
  const gone = await nextOf(loop);
  assert.deepEqual(gone.kind === 'change' && [gone.etag, gone.deleted], [null, true]);
  await failure(ada.state.delete('a/1'), 'not_found');
  const agents: string[] = [];
  for await (const { address } of ada.registry()) agents.push(address);
  assert.deepEqual(agents.sort(), [ada.address, bob.address].sort());
  ada.close();
  bob.close();
});

check('watches again after a restart, with a reset', async ({ server }) => {
  const relay = await Relay.start(server.port);
  const agent = await sessionOf(server, relay.url);
  const loop = agent.state.watch();
  await nextOf(loop);
  await server.kill();
  await server.startAgain();
  relay.port = server.port;
  assert.deepEqual(await nextOf(loop), { kind: 'reset' });
  await agent.state.put('key', 'value');
  assert.equal((await nextOf(loop)).kind, 'change');
  agent.close();
  relay.close();
});

check('hands on what cannot be sent, and waits for what can later', async ({ server }) => {
  const agent = await sessionOf(server);
  await failure(agent.send('tab_00000000000000000000', 'text'), 'not_found');
  await failure(agent.send(agent.address, ''), 'bad_request');
  await failure(agent.send(agent.address, 'x'.repeat(65_537)), 'value_too_large');
  await failure(agent.send(agent.address, 'x'.repeat(3_000_000)), 'value_too_large');
  const key = { idempotencyKey: 'one-key' };
  const first = await agent.send(agent.address, 'text', key);
  assert.deepEqual(await agent.send(agent.address, 'text', key), first);
  await failure(agent.send(agent.address, 'another text', key), 'conflict');
  assert.equal(agent.status.kind, 'live');
  assert.ok((await agent.ping()) > 0);
  agent.close();
  await until('it is closed', () => agent.status.kind === 'closed');
});

check('does over HTTP what the contract has', async ({ server }) => {
  const http = new HttpClient(server.url);
  assert.equal((await http.health()).status, 'ok');
  const [ada, bob] = [await agentOf(server), await agentOf(server)];
  const [adaCalls, bobCalls] = [http.agent(ada.token), http.agent(bob.token)];
  assert.equal((await adaCalls.me()).address, ada.address);
  const sent = await adaCalls.sendMessage(bob.address, 'text', { idempotencyKey: 'k' });
  assert.deepEqual(await adaCalls.sendMessage(bob.address, 'text', { idempotencyKey: 'k' }), sent);
  const { results } = await adaCalls.sendBatch([
    { to: bob.address, content: 'more' },
    { to: 'tab_00000000000000000000', content: 'lost' },
  ]);
  assert.deepEqual(
    results.map((result) => ('error' in result ? result.error : 'sent')),
    ['sent', 'not_found'],
  );
  const { messages } = await bobCalls.takeMessages({ mode: 'lease' });
  assert.deepEqual(
    messages.map(({ content }) => content),
    ['text', 'more'],
  );
  assert.equal((await bobCalls.ackMessages(messages.map(({ message_id }) => message_id))).acked, 2);
  const { etag } = await adaCalls.putState('a/b', 'value', { ifAbsent: true });
  assert.equal((await bobCalls.getState('a/b')).etag, etag);
  await failure(bobCalls.putState('a/b', 'other', { ifMatch: 'x' }), 'conflict');
  assert.deepEqual((await bobCalls.listState('a/')).keys, ['a/b']);
  assert.equal((await bobCalls.capacity()).key_count, 1);
  await bobCalls.deleteState('a/b', { ifMatch: etag });
  assert.equal((await bobCalls.registry()).total, 2);
  const operator = http.operator(ada.apiKey);
  const rotated = await operator.rotateToken(ada.address);
  await failure(adaCalls.me(), 'unauthorized');
  assert.equal((await http.agent(rotated.agent_token).me()).address, ada.address);
  assert.equal((await operator.listAgents()).total, 1);
  await operator.retireAgent(ada.address);
  const admin = http.admin(await server.adminToken());
  assert.equal((await admin.status()).agents, 1);
  assert.equal((await admin.replaceWorker(0)).replaced, true);
});

check('says how long a limit lasts, where there is no time to wait for it', async ({ server }) => {
  await server.stop();
  await server.startAgain({ 'limits.message_send_per_min': 2 });
  const agent = await sessionOf(server);
  await agent.send(agent.address, 'a');
  await agent.send(agent.address, 'b');
  const error = await failure(agent.send(agent.address, 'c', { timeoutMs: 500 }), 'rate_limited');
  assert.ok(error.retryAfterMs !== undefined && error.retryAfterMs > 500);
  agent.close();
});
