// What a session goes on from: a cut, a replaced worker, a server that was killed, another history; and how one ends when
// the server stops. Nothing is lost, and nothing comes twice to a client that says what it has.

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './expectations.js';
import { onServersOfTheirOwn } from './on-both-listeners.js';
import { type Frame, SessionClient } from './session-client.js';
import { runTroupe } from './troupe-command.js';

const check = onServersOfTheirOwn({ workers: 2 });

const seqsOf = (messages: readonly Frame[]) => messages.map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

check('resumes behind what the client has, and tells a repeat as one', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  for (let i = 1; i <= 6; i++) await api.message(from, to, `${i}`);
  const first = await SessionClient.live(server.port, to, { window: 4 });
  const pushed = await first.messages(4);
  assert.deepEqual(seqsOf(pushed), [1, 2, 3, 4]);
  assert.ok(pushed.every(({ redelivered }) => redelivered === false));
  first.send({ type: 'ack', seq: 1 });
  assert.equal((await first.next('message')).seq, 5);
  first.cut();
  await first.closed;

  const { epoch } = first.welcome;
  const second = await SessionClient.live(server.port, to, { last_seq: 3, epoch });
  assert.deepEqual([second.welcome.resumed, second.welcome.next_seq], [true, 4]);
  const resumed = await second.messages(3);
  assert.deepEqual(
    resumed.map(({ seq, redelivered }) => [seq, redelivered]),
    [
      [4, true],
      [5, true],
      [6, false],
    ],
  );
  // 2 and 3 are claimed, and still in the inbox: an ack of 6 covers them.
  second.send({ type: 'ack', seq: 6 });
  await second.settled();
  await second.close();
  assert.deepEqual(await api.take(to), { messages: [], remaining: 0 });
});

check('acknowledges what was only claimed', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  for (let i = 1; i <= 3; i++) await api.message(from, to, `${i}`);
  const first = await SessionClient.live(server.port, to);
  await first.messages(3);
  first.cut();
  const second = await SessionClient.live(server.port, to, { last_seq: 3 });
  assert.equal(second.welcome.resumed, true);
  second.send({ type: 'ack', seq: 3 });
  await second.settled();
  await second.close();
  assert.deepEqual(await api.take(to), { messages: [], remaining: 0 });
});

check('begins from the oldest for a client that counts in another history', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  for (let i = 1; i <= 3; i++) await api.message(from, to, `${i}`);
  for (const hello of [{ last_seq: 2, epoch: 'another' }, { last_seq: 2_000 }, { epoch: 'another' }]) {
    const client = await SessionClient.live(server.port, to, hello);
    assert.deepEqual([client.welcome.resumed, client.welcome.next_seq], [false, 1]);
    assert.deepEqual(seqsOf(await client.messages(3)), [1, 2, 3]);
    client.send({ type: 'ack', seq: 4 });
    assert.equal((await client.next('error')).error, 'bad_request');
    assert.equal((await client.closed).code, 4000);
  }
});

check('keeps unacknowledged messages within the window, in any pace of acknowledgement', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const client = await SessionClient.live(server.port, to, { window: 5 });
  assert.equal(client.welcome.window, 5);
  await Promise.all(range(1, 30).map((i) => api.message(from, to, `${i}`)));
  let acked = 0;
  for (const step of [1, 5, 2, 3, 5, 4, 5]) {
    await until('the window is full', () => client.frames.at(-1)?.seq === Math.min(acked + 5, 30));
    await client.settled();
    assert.ok(Number(client.frames.at(-1)?.seq) <= acked + 5, 'never more than the window');
    acked += step;
    client.send({ type: 'ack', seq: acked });
  }
  await client.close();
});

check('goes on without a word when its worker is replaced, and keeps the window', async ({ api, server }) => {
  const as = await server.adminToken();
  const [from, to] = [await api.agent(), await api.agent()];
  const client = await SessionClient.live(server.port, to, { window: 8 });
  const replace = async () => {
    for (const worker of [0, 1]) {
      await api.must(200, { method: 'POST', path: `/admin/workers/${worker}/replace`, as, body: {} });
    }
  };
  const insist = async (content: string) => {
    const headers = { 'idempotency-key': content };
    const body = { to: to.agent_address, content };
    const call = { method: 'POST', path: '/v1/messages', as: from.agent_token, body, headers };
    await until('it is sent', async () => (await api.send(call)).status === 202);
  };
  for (let i = 1; i <= 12; i++) await insist(`${i}`);
  assert.deepEqual(seqsOf(await client.messages(8)), range(1, 8));
  client.send({ type: 'ack', seq: 2 });
  assert.deepEqual(seqsOf(await client.messages(2)), [9, 10]);
  await replace();
  for (let i = 13; i <= 16; i++) await insist(`${i}`);
  await client.settled();
  assert.deepEqual(client.unread, [], 'the window is full, across the replacement');
  client.send({ type: 'ack', seq: 10 });
  assert.deepEqual(seqsOf(await client.messages(6)), range(11, 16));
  await replace();
  client.send({ type: 'ack', seq: 16 });
  await insist('17');
  const last = await client.next('message');
  assert.deepEqual([last.seq, last.content], [17, '17']);
  client.send({ type: 'ack', seq: 17 });
  await client.settled();
  await client.close();
  await until('all was acknowledged', async () => (await api.take(to)).remaining === 0);
});

check('resumes after kill -9 with every message once', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const client = await SessionClient.live(server.port, to, { window: 1024 });
  const accepted = new Set<string>();
  const senders = range(0, 3).map(async (sender) => {
    for (let i = 0; ; i++) {
      const content = `${sender}:${i}`;
      const body = { to: to.agent_address, content };
      try {
        await api.must(202, { method: 'POST', path: '/v1/messages', as: from.agent_token, body });
        accepted.add(content);
      } catch {
        return;
      }
    }
  });
  await until('some arrived', () => client.frames.length > 100);
  client.send({ type: 'ack', seq: 50 });
  await server.kill();
  await Promise.all(senders);
  await client.closed;
  const seen = client.frames.filter(({ type }) => type === 'message');
  const lastSeq = Number(seen.at(-1)?.seq);
  await server.startAgain();

  const { epoch } = client.welcome;
  const again = await SessionClient.live(server.port, to, { last_seq: lastSeq, epoch, window: 1024 });
  assert.deepEqual([again.welcome.resumed, again.welcome.epoch], [true, epoch]);
  const contents = new Set(seen.map(({ content }) => String(content)));
  assert.equal(contents.size, seen.length, 'nothing came twice');
  let expected = lastSeq + 1;
  while ([...accepted].some((content) => !contents.has(content))) {
    const message = await again.next('message');
    assert.equal(message.seq, expected++, 'no gap');
    assert.ok(!contents.has(String(message.content)), 'nothing came twice');
    contents.add(String(message.content));
  }
  assert.deepEqual(seqsOf(seen), range(1, lastSeq));
  await again.close();
});

check('has another epoch on a restored backup, and starts anew there', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  await api.message(from, to, 'kept');
  const client = await SessionClient.live(server.port, to);
  await client.next('message');
  const backup = join(server.home, 'backup');
  const { code, stderr } = await runTroupe(['backup', '--set', `data_dir=${server.dataDirectory}`, backup]);
  assert.equal(code, 0, stderr);
  await server.stop();
  const restored = join(server.home, 'restored');
  cpSync(backup, restored, { recursive: true });
  await server.startAgain({ data_dir: restored });
  const { epoch } = client.welcome;
  const again = await SessionClient.live(server.port, to, { last_seq: 1, epoch });
  assert.equal(again.welcome.resumed, false);
  assert.notEqual(again.welcome.epoch, epoch);
  assert.equal((await again.next('message')).content, 'kept');
  await again.close();
});

check('says that it stops, answers what is in flight, and closes with 4009', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const live = await SessionClient.live(server.port, to);
  const greeting = await SessionClient.open(server.port, { token: from.agent_token });
  const stranger = await SessionClient.open(server.port);
  const acked = await api.message(from, to, 'acknowledged');
  assert.equal((await live.next('message')).message_id, acked);
  live.send({ type: 'ack', seq: 1 });
  const requests = range(1, 50).map((id) =>
    live.ask({ type: 'send', id, to: from.agent_address, content: `${id}` }).catch(() => undefined),
  );
  await requests[0];
  const stopped = server.stop();
  for (const client of [live, greeting, stranger]) {
    assert.deepEqual(await client.closed, { code: 4009, reason: 'draining' });
    const told = client.frames.find(({ type }) => type === 'draining');
    assert.ok(Number(told?.resume_after_ms) >= 1000);
  }
  const answers = (await Promise.all(requests)).filter((answer) => answer !== undefined);
  const sent = new Set(answers.filter(({ type }) => type === 'ok').map(({ message_id }) => message_id));
  assert.equal((await stopped).code, 0, server.stderr);

  await server.startAgain();
  const taken = await api.take(from, 'limit=100');
  const found = new Set(taken.messages.map(({ message_id }) => message_id));
  for (const id of sent) assert.ok(found.has(String(id)), 'what was answered is there');
  assert.deepEqual(await api.take(to), { messages: [], remaining: 0 });
});

const impatiently = onServersOfTheirOwn({ shutdown_timeout_ms: 500 });

impatiently('ends in the time that it is given, whatever a client does', async ({ api, server }) => {
  const client = await SessionClient.live(server.port, await api.agent());
  // It reads nothing any more, and so never answers the close.
  client.socket.pause();
  const startedAt = performance.now();
  assert.equal((await server.stop()).code, 0, server.stderr);
  assert.ok(performance.now() - startedAt < 3_000);
  client.cut();
});
