// How a session begins, ends, and comes back (connect.ts, connection.ts).

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { mock, test } from 'node:test';
import { connect } from '../../src/client/node.js';
import { BACKOFF_BASE_MS, BACKOFF_MAX_MS, backoffMs } from '../../src/client/retrying.js';
import { CLOSE } from '../../src/contract/session.js';
import { until } from '../server/expectations.js';
import { failure, nextOf, onAScript } from './on-a-script.js';
import { AGENT, TOKEN } from './scripted-server.js';

onAScript('says its token in the first frame, and nowhere else', async ({ server }) => {
  const connecting = connect(`${server.url}/base/`, { token: TOKEN });
  const peer = await server.peer();
  assert.equal(peer.request.url, '/base/v1/session');
  assert.equal(peer.request.headers['sec-websocket-protocol'], 'troupe.v1.json');
  assert.ok(!JSON.stringify(peer.request.rawHeaders).includes(TOKEN));
  assert.deepEqual(await peer.welcome(), { type: 'hello' });
  const agent = await connecting;
  assert.equal(agent.address, AGENT);
  assert.deepEqual(agent.status, { kind: 'live', sessionId: 'session', resumed: false });
  assert.deepEqual(agent.position, { epoch: 'first', lastSeq: 0 });
  agent.close();
});

test('refuses what is no URL of a server, and a token that is none', async () => {
  for (const url of ['nowhere', 'ftp://a', 'http://a/?token=b', 'http://name:secret@a', 'http://a/#b']) {
    await failure(connect(url, { token: TOKEN }), 'bad_request');
  }
  await failure(connect('http://127.0.0.1:1', { token: '' }), 'bad_request');
  await failure(connect('http://127.0.0.1:1', { token: TOKEN, timeoutMs: 0 }), 'bad_request');
});

for (const [reason, code] of [
  ['replaced', 'replaced'],
  ['unauthorized', 'unauthorized'],
  ['retired', 'retired'],
] as const) {
  onAScript(`ends for good when it is ${reason}`, async ({ live, server }) => {
    const [agent, peer] = await live();
    const loop = agent.messages();
    const changes = agent.state.watch();
    const waiting = [loop.next(), agent.send(AGENT, 'text'), changes.next()];
    await peer.frame('watch');
    await peer.frame('send');
    peer.close(CLOSE[reason]);
    for (const one of waiting) await failure(one, code);
    await failure(loop.next(), code);
    await failure(agent.messages().next(), code);
    await failure(agent.ping(), code);
    assert.equal(agent.status.kind, 'closed');
    assert.equal(server.connections, 1);
  });
}

onAScript('connect fails at once with a token that is not good, and says what the server said', async ({ server }) => {
  const connecting = connect(server.url, { token: TOKEN });
  const peer = await server.peer();
  await peer.frame('auth');
  peer.send({ type: 'error', error: 'unauthorized', message: 'A valid agent token is needed.' });
  peer.close(CLOSE.unauthorized);
  const error = await failure(connecting, 'unauthorized');
  assert.equal(error.message, 'A valid agent token is needed.');
  assert.equal(error.status, 401);
});

onAScript('comes back after any other end, and says so (K2)', async ({ live, server }) => {
  const statuses: string[] = [];
  const [agent, first] = await live({ onStatus: ({ kind }) => statuses.push(kind) });
  let peer = first;
  for (const end of [1001, 1011, CLOSE.badFrame, CLOSE.draining, CLOSE.tooMany, null]) {
    if (end === null) peer.cut();
    else peer.close(end);
    peer = await server.peer();
    await peer.welcome();
    await until('the session is live', () => agent.status.kind === 'live');
  }
  agent.close();
  const comings = ['connecting', 'live'];
  const again = ['waiting', ...comings];
  assert.deepEqual(statuses, [...comings, ...again, ...again, ...again, ...again, ...again, ...again, 'closed']);
});

for (const [what, send] of [
  ['no JSON', '{"type":'],
  ['no object', 'null'],
  ['a message without a seq', '{"type":"message","message_id":"a","from":"b","content":"c","timestamp":"d"}'],
  ['a second welcome', 'welcome'],
  ['bytes', Buffer.from([1, 2, 3])],
] as const) {
  onAScript(`begins anew when it is sent garbage: ${what}`, async ({ live, server }) => {
    const [agent, peer] = await live();
    if (typeof send !== 'string') peer.sendBytes(send);
    else if (send === 'welcome') {
      const members = { session_id: 's', agent: AGENT, epoch: 'e', resumed: false, next_seq: 1, window: 1 };
      const limits = { frame_bytes_max: 1, requests_in_flight_max: 1, watches_max: 1 };
      peer.send({ type: 'welcome', ...members, heartbeat_ms: 1000, limits });
    } else peer.send(send);
    const again = await server.peer();
    await again.welcome();
    again.message(1);
    assert.equal((await nextOf(agent.messages())).seq, 1);
  });
}

onAScript('passes over frames and members that it does not know', async ({ live, server }) => {
  const [agent, peer] = await live();
  peer.send({ type: 'news', of: 'tomorrow' });
  peer.send({ type: 'ok', id: 4711 });
  peer.send({ type: 'error', id: 'nobody', error: 'not_found', message: '' });
  peer.message(1, { mood: 'fine' });
  assert.equal((await nextOf(agent.messages())).seq, 1);
  assert.equal(server.connections, 1);
});

onAScript('stays away for as long as a server that stops asks for (K3)', async ({ live, server }) => {
  const [agent, peer] = await live({}, { heartbeat_ms: 20 });
  peer.send({ type: 'draining', resume_after_ms: 80 });
  const closedAt = performance.now();
  peer.close(CLOSE.draining);
  await until('the session waits', () => agent.status.kind === 'waiting');
  assert.deepEqual(agent.status.kind === 'waiting' && [agent.status.afterMs, agent.status.reason.code], [
    80,
    'unavailable',
  ]);
  await (await server.peer()).welcome();
  assert.ok(performance.now() - closedAt >= 79);
});

onAScript('stays away for as long as the error before the end asks for (K3)', async ({ live, server }) => {
  const [agent, peer] = await live();
  peer.send({ type: 'error', error: 'unavailable', message: 'too many sessions', retry_after_ms: 60 });
  peer.close(CLOSE.tooMany);
  await until('the session waits', () => agent.status.kind === 'waiting');
  assert.equal(agent.status.kind === 'waiting' && agent.status.afterMs, 60);
  await (await server.peer()).welcome();
});

onAScript('tries on while the server refuses the upgrade, or speaks another protocol', async ({ server }) => {
  server.refusals = 3;
  server.subprotocol = false;
  const connecting = connect(server.url, { token: TOKEN });
  const stranger = await server.peer();
  server.subprotocol = 'troupe.v1.json';
  assert.equal(await stranger.closed(), 1006);
  const peer = await server.peer();
  await peer.welcome();
  (await connecting).close();
  assert.equal(server.refusals, 0);
});

onAScript('gives up a server that is silent (K4)', async ({ live, server }) => {
  const [agent, peer] = await live({}, { heartbeat_ms: 30 });
  const { id } = await peer.frame('ping');
  peer.send({ type: 'pong', id });
  await peer.frame('ping');
  const again = await server.peer();
  await again.welcome();
  await until('the session is live', () => agent.status.kind === 'live');
  assert.equal(server.connections, 2);
});

test('connect gives up in time, and says what was in the way', async () => {
  const port = await freePort();
  const error = await failure(connect(`http://127.0.0.1:${port}`, { token: TOKEN, timeoutMs: 50 }), 'timeout');
  assert.equal((error.cause as { code?: string }).code, 'connection_lost');
});

onAScript('connect gives up a server that never says welcome', async ({ server }) => {
  await failure(connect(server.url, { token: TOKEN, timeoutMs: 50 }), 'timeout');
  assert.equal(await (await server.peer()).closed(), 1000);
});

onAScript('its signal ends it, while it connects and later', async ({ live, server }) => {
  await failure(connect(server.url, { token: TOKEN, signal: AbortSignal.abort() }), 'aborted');
  const atOnce = new AbortController();
  const begun = connect(server.url, { token: TOKEN, signal: atOnce.signal });
  atOnce.abort();
  await failure(begun, 'aborted');
  const early = new AbortController();
  const connecting = connect(server.url, { token: TOKEN, signal: early.signal });
  await (await server.peer()).frame('auth');
  early.abort();
  await failure(connecting, 'aborted');
  assert.equal(server.connections, 1);
  const late = new AbortController();
  const [agent, peer] = await live({ signal: late.signal });
  const next = agent.messages().next();
  late.abort();
  await failure(next, 'aborted');
  assert.equal(await peer.closed(), 1000);
});

onAScript('a status listener that throws stops nothing, and is told to the program', async ({ live, server }) => {
  const thrown: unknown[] = [];
  const later = queueMicrotask;
  const watched = mock.method(globalThis, 'queueMicrotask', (task: () => void) => {
    later(() => {
      try {
        task();
      } catch (error) {
        thrown.push(error);
      }
    });
  });
  const [agent, peer] = await live();
  const leave = agent.onStatus(() => {
    leave();
    throw new Error('a fault of the program');
  });
  peer.cut();
  await (await server.peer()).welcome();
  await until('the session is live', () => agent.status.kind === 'live');
  watched.mock.restore();
  assert.match(String(thrown), /a fault of the program/);
});

test('waits longer the more attempts failed, at random, on top of what was asked for', () => {
  const bounds = [0, 1, 2, 20].map((attempt) => backoffMs(attempt, 0, () => 1));
  assert.deepEqual(bounds, [BACKOFF_BASE_MS, 2 * BACKOFF_BASE_MS, 4 * BACKOFF_BASE_MS, BACKOFF_MAX_MS]);
  assert.equal(
    backoffMs(3, 0, () => 0),
    0,
  );
  assert.equal(
    backoffMs(1, 700, () => 0.5),
    700 + BACKOFF_BASE_MS,
  );
});

/** One that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
