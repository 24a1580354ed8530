// The machine of one session, on a played socket.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthOutcome } from '../../../src/transport/gate/authenticator.js';
import { FULL_BYTES } from '../../../src/transport/session/frame-socket.js';
import { HELD_BYTES_MAX } from '../../../src/transport/session/session.js';
import { socketIdleTimeoutMs } from '../../../src/transport/session/session-context.js';
import { UNAUTHENTICATED_MAX } from '../../../src/transport/session/sessions.js';
import { AGENT, fault, ok, PlayedSocket, pushed, SessionWorld, TOKEN, turn } from './session-world.js';

const seqs = (socket: PlayedSocket) => socket.take().map(({ seq }) => seq);

/** A verification that the test ends. */
function pending(world: SessionWorld): (outcome: AuthOutcome) => void {
  let settle: (outcome: AuthOutcome) => void = () => undefined;
  const outcome = new Promise<AuthOutcome>((resolve) => {
    settle = resolve;
  });
  world.authenticate = () => outcome;
  return settle;
}

const GOOD: AuthOutcome = { ok: true, principal: { role: 'agent', id: AGENT } };

test('keeps what comes while the token is verified, in order, and looks at none of it before (SE1)', async () => {
  const world = new SessionWorld();
  const settle = pending(world);
  const socket = world.open();
  socket.hear({ type: 'hello', window: 3 });
  socket.hear('not json');
  assert.deepEqual([socket.sent, world.subscribed.length], [[], 0]);
  settle(GOOD);
  await turn();
  assert.equal(world.stream().args.window, 3);
  assert.equal(socket.take()[0]?.error, 'bad_request');
  assert.equal(socket.code, 4000);
});

test('keeps at most 8 KiB and 32 frames of what comes before the token is good (SE1)', () => {
  for (const [frame, count] of [
    ['x'.repeat(HELD_BYTES_MAX + 1), 1],
    ['x'.repeat(HELD_BYTES_MAX / 2), 3],
    ['', 33],
  ] as const) {
    const world = new SessionWorld();
    pending(world);
    const socket = world.open();
    for (let i = 0; i < count; i++) socket.hear(frame);
    assert.equal(socket.code, 4000);
  }
  const stranger = new SessionWorld().open('');
  stranger.hear(`{"type":"auth","token":"${'x'.repeat(HELD_BYTES_MAX)}"}`);
  assert.equal(stranger.code, 4000);
});

test('closes with 4003 without a token in 5 s, and with 4000 without hello 10 s after it', () => {
  const world = new SessionWorld();
  const stranger = world.open('');
  const silent = world.open();
  world.clock.advance(4_999);
  assert.equal(stranger.code, undefined);
  world.clock.advance(1);
  assert.deepEqual([stranger.take()[0]?.error, stranger.code], ['unauthorized', 4003]);
  world.clock.advance(4_999);
  assert.equal(silent.code, undefined);
  world.clock.advance(1);
  assert.deepEqual([silent.take()[0]?.error, silent.code], ['bad_request', 4000]);
});

test('gives a token that is there more time to be verified than one that is not there', () => {
  const world = new SessionWorld();
  pending(world);
  const socket = world.open();
  world.clock.advance(29_999);
  assert.equal(socket.code, undefined);
  world.clock.advance(1);
  const [error] = socket.take();
  assert.deepEqual([error?.error, Number(error?.retry_after_ms) > 0, socket.code], ['unavailable', true, 4029]);
});

test('tells whoever cannot be verified now when to come back, and who is refused that it is', async () => {
  for (const [code, wire, close] of [
    ['OVERLOADED', 'unavailable', 4029],
    ['INTERNAL', 'unavailable', 4029],
    ['UNAUTHORIZED', 'unauthorized', 4003],
  ] as const) {
    for (const isLater of [false, true]) {
      const world = new SessionWorld();
      const outcome = fault(code) as AuthOutcome;
      world.authenticate = () => (isLater ? Promise.resolve(outcome) : outcome);
      const socket = world.open();
      await turn();
      const [error] = socket.take();
      assert.deepEqual([error?.error, error?.retry_after_ms !== undefined], [wire, close === 4029]);
      assert.equal(socket.code, close);
    }
  }
});

test('refuses upgrades past the bound of strangers with 503, and takes them again (SS1)', () => {
  const world = new SessionWorld(100_000);
  const strangers = Array.from({ length: UNAUTHENTICATED_MAX }, () => world.open(''));
  assert.equal(world.upgrade({ token: TOKEN }), 503);
  strangers[0]?.hear({ type: 'auth', token: TOKEN });
  assert.ok(world.upgrade() instanceof PlayedSocket);
  strangers[1]?.leave();
  assert.ok(world.upgrade() instanceof PlayedSocket);
  assert.equal(world.upgrade(), 503);
});

test('has few sessions of one agent that say nothing, and takes one again when one of them is gone (SS1)', async () => {
  const world = new SessionWorld(100);
  const sockets = Array.from({ length: 16 }, () => world.open());
  await turn();
  const over = world.open();
  const [error] = over.take();
  assert.deepEqual([error?.error, Number(error?.retry_after_ms) > 0, over.code], ['unavailable', true, 4029]);
  sockets[3]?.leave();
  const another = world.open();
  await turn();
  assert.equal(another.code, undefined);
  assert.ok(sockets.every(({ code }) => code === undefined));
});

test('gives up a silent peer so that it is pinged within a heartbeat, in steps that every listener can count', () => {
  assert.equal(socketIdleTimeoutMs(30_000), 44_000);
  for (let heartbeatMs = 16_000; heartbeatMs <= 300_000; heartbeatMs += 500) {
    const idleMs = socketIdleTimeoutMs(heartbeatMs);
    assert.equal(idleMs % 4_000, 0);
    assert.ok(idleMs - 16_000 <= heartbeatMs && idleMs > heartbeatMs && idleMs >= 32_000, `${heartbeatMs}: ${idleMs}`);
  }
});

test('refuses upgrades on other paths, without its subprotocols, and while it stops', () => {
  const world = new SessionWorld();
  assert.equal(world.upgrade({ path: '/' }), 404);
  assert.equal(world.upgrade({ protocols: [] }), 400);
  world.isDraining = true;
  assert.equal(world.upgrade(), 503);
});

test('says hello to the agent with what the client has, if it counts in this history', () => {
  for (const [hello, lastSeq] of [
    [{}, null],
    [{ last_seq: 7 }, 7],
    [{ last_seq: 7, epoch: 'epoch-1' }, 7],
    [{ last_seq: 7, epoch: 'epoch-0' }, null],
  ] as const) {
    const world = new SessionWorld();
    const socket = world.open();
    socket.hear({ type: 'hello', ...hello });
    const { key, args } = world.stream();
    assert.deepEqual([key, args.lastSeq, args.window], [AGENT, lastSeq, 64]);
  }
});

test('writes no more messages while a megabyte waits, and goes on when it drains (IF2)', () => {
  const world = new SessionWorld();
  const { socket, stream } = world.live();
  stream.reader.item({ kind: 'messages', messages: [pushed(1)] });
  socket.bufferedBytes = FULL_BYTES + 1;
  stream.reader.item({ kind: 'messages', messages: [pushed(2), pushed(3)] });
  stream.reader.item({ kind: 'messages', messages: [pushed(4)] });
  assert.deepEqual(seqs(socket), [1]);
  socket.drain();
  assert.deepEqual(seqs(socket), [2, 3, 4]);
});

test('tells acknowledgements once per turn of the loop, and closes for a seq that was never sent (IF4)', async () => {
  const world = new SessionWorld();
  const { socket, stream } = world.live({ last_seq: 4 });
  stream.reader.item({ kind: 'messages', messages: [pushed(5), pushed(6)] });
  for (const seq of [4, 5, 6, 2]) socket.hear({ type: 'ack', seq });
  assert.deepEqual(world.takeTold(), []);
  await turn();
  assert.deepEqual(
    world.takeTold().map(({ message, args }) => [message, (args as { seq: number }).seq]),
    [['ackUpTo', 6]],
  );
  socket.hear({ type: 'ack', seq: 7 });
  assert.equal(socket.code, 4000);
});

test('tells an acknowledgement that the link did not take again', async () => {
  const world = new SessionWorld();
  const { socket, stream } = world.live();
  stream.reader.item({ kind: 'messages', messages: [pushed(1)] });
  socket.hear({ type: 'ack', seq: 1 });
  world.isTaken = false;
  await turn();
  world.isTaken = true;
  world.clock.advance(1_000);
  await turn();
  assert.deepEqual(
    world.takeTold().map(({ message }) => message),
    ['ackUpTo'],
  );
});

test('attaches again where its stream is lost, behind the last ack, and sends nothing twice (IF1, IF3)', async () => {
  const world = new SessionWorld();
  const { socket, stream } = world.live();
  stream.reader.item({ kind: 'messages', messages: [pushed(1), pushed(2), pushed(3)] });
  socket.hear({ type: 'ack', seq: 1 });
  await turn();
  world.takeTold();
  socket.bufferedBytes = FULL_BYTES + 1;
  stream.reader.item({ kind: 'messages', messages: [pushed(4)] });
  stream.reader.ended({ code: 'WORKER_LOST' });
  assert.equal(world.subscribed.length, 1, 'not at once');
  world.clock.advance(100);
  const again = world.stream();
  assert.deepEqual([again.args.session, again.args.lastSeq], [stream.args.session, 1]);
  again.reader.item({ kind: 'attached', resumed: true, nextSeq: 2 });
  again.reader.item({ kind: 'messages', messages: [pushed(2), pushed(3), pushed(4), pushed(5)] });
  socket.drain();
  assert.deepEqual(seqs(socket), [1, 2, 3, 4, 5], 'and no second welcome');
  await turn();
  assert.deepEqual(
    world.takeTold().map(({ message, args }) => [message, (args as { seq: number }).seq]),
    [['ackUpTo', 1]],
  );
});

test('waits longer after each stream that is lost at once, and not for ever', () => {
  const world = new SessionWorld();
  world.live();
  const delays: number[] = [];
  for (let i = 0; i < 12; i++) {
    const before = world.subscribed.length;
    const lostAt = world.clock.monotonic();
    world.stream().reader.ended({ code: 'SLOT_MOVING' });
    while (world.subscribed.length === before) world.clock.advance(1);
    delays.push(world.clock.monotonic() - lostAt);
  }
  assert.ok(Number(delays[0]) <= 50);
  assert.ok(delays.every((delay) => delay <= 10_000));
  assert.ok(Number(delays[11]) >= 5_000);
});

test('closes with 4001 when it is replaced and with 4004 when the agent is no more, without an error', () => {
  for (const [end, code] of [
    [undefined, 4001],
    [{ code: 'UNAUTHORIZED' }, 4004],
    [{ code: 'NOT_FOUND' }, 4004],
  ] as const) {
    const world = new SessionWorld();
    const { socket, stream } = world.live();
    stream.reader.ended(end);
    assert.deepEqual([socket.sent, socket.code], [[], code]);
  }
});

test('gives everything back when the peer goes, and says so until it is heard (SE3)', async () => {
  const world = new SessionWorld();
  const { socket, stream } = world.live();
  stream.reader.item({ kind: 'messages', messages: [pushed(1)] });
  socket.hear({ type: 'ack', seq: 1 });
  assert.equal(world.sessions.count, 1);
  socket.leave();
  assert.equal(world.sessions.count, 0);
  assert.ok(stream.hasLeft);
  assert.deepEqual(
    world.takeTold().map(({ message }) => message),
    ['ackUpTo', 'detach'],
  );
  const asked = async () => {
    world.clock.advance(1_000);
    await turn();
    return world.asked.splice(0);
  };
  const [first] = await asked();
  assert.equal(first?.message, 'detach', 'a tell may have found no room');
  first?.answer(fault('OVERLOADED'));
  await turn();
  const [second] = await asked();
  assert.equal(second?.message, 'detach');
  second?.answer(ok(null));
  await turn();
  assert.deepEqual(await asked(), []);
});

test('answers requests in any order under their ids, and nobody after the end (LV1)', async () => {
  const world = new SessionWorld();
  const { socket } = world.live();
  for (const id of ['a', 'b', 'c']) socket.hear({ type: 'state.get', id, key: id });
  world.asked[1]?.answer(fault('NOT_FOUND'));
  world.asked[0]?.answer(ok({ value: 'v', etag: 'e', by: AGENT, at: 0 }));
  await turn();
  const [second, first] = socket.take();
  assert.deepEqual([second?.id, second?.error], ['b', 'not_found']);
  assert.deepEqual(first, {
    type: 'ok',
    id: 'a',
    key: 'a',
    value: 'v',
    last_modified_by: AGENT,
    last_modified_at: '1970-01-01T00:00:00.000Z',
    etag: 'e',
  });
  socket.leave();
  world.asked[2]?.answer(fault('NOT_FOUND'));
  await turn();
  assert.deepEqual(socket.take(), []);
});

test('refuses requests while its socket is full, and reads whose answers come then; writes are told (LV3)', async () => {
  const world = new SessionWorld();
  const { socket } = world.live();
  socket.hear({ type: 'state.get', id: 'read', key: 'k' });
  socket.hear({ type: 'state.put', id: 'write', key: 'k', value: 'v' });
  socket.bufferedBytes = FULL_BYTES + 1;
  socket.hear({ type: 'state.get', id: 'late', key: 'k' });
  world.asked[0]?.answer(ok({ value: 'v', etag: 'e', by: AGENT, at: 0 }));
  world.asked[1]?.answer(ok({ etag: 'e', at: 0 }));
  await turn();
  assert.deepEqual(
    socket.take().map(({ id, type, error, retry_after_ms }) => [id, type, error, retry_after_ms !== undefined]),
    [
      ['late', 'error', 'unavailable', true],
      ['read', 'error', 'unavailable', true],
      ['write', 'ok', undefined, false],
    ],
  );
});

test('cuts off a peer that asks on and reads nothing (FS1)', () => {
  const world = new SessionWorld();
  const { socket } = world.live();
  socket.bufferedBytes = world.sessions.waitingBytesMax;
  socket.hear({ type: 'ping', id: 1 });
  assert.equal(socket.isTerminated, false);
  socket.bufferedBytes++;
  socket.hear({ type: 'ping', id: 2 });
  assert.equal(socket.isTerminated, true);
  assert.equal(world.sessions.waitingBytesMax, 4 * 1024 * 1024);
});

test('refuses an answer that would be a larger frame than there may be', async () => {
  const world = new SessionWorld();
  const { socket } = world.live();
  socket.hear({ type: 'state.get', id: 1, key: 'k' });
  world.asked[0]?.answer(ok({ value: '\u0001'.repeat(400_000), etag: 'e', by: AGENT, at: 0 }));
  await turn();
  assert.equal(socket.take()[0]?.error, 'value_too_large');
});

test('hides and logs what fails inside', async () => {
  const world = new SessionWorld();
  const { socket } = world.live();
  socket.hear({ type: 'state.get', id: 1, key: 'k' });
  world.asked[0]?.answer(null as never);
  await turn();
  assert.equal(socket.take()[0]?.error, 'internal_error');
  assert.ok(world.logged.some((line) => line.includes('session_request_failed')));
});

test('stops: tells all, answers what is in flight, refuses the rest, and closes with 4009 (SS4)', async () => {
  const world = new SessionWorld();
  const busy = world.live();
  busy.socket.hear({ type: 'state.put', id: 1, key: 'k', value: 'v' });
  const greeting = world.open();
  world.isDraining = true;
  world.sessions.drain();
  assert.deepEqual([greeting.take()[0]?.type, greeting.code, greeting.closing?.reason], ['draining', 4009, 'draining']);
  busy.socket.hear({ type: 'state.put', id: 2, key: 'k', value: 'v' });
  assert.equal(busy.socket.code, undefined);
  world.asked[0]?.answer(ok({ etag: 'e', at: 0 }));
  await turn();
  assert.deepEqual(
    busy.socket.take().map(({ type, id, error }) => [type, id, error]),
    [
      ['draining', undefined, undefined],
      ['error', 2, 'unavailable'],
      ['ok', 1, undefined],
    ],
  );
  assert.equal(busy.socket.code, 4009);
  assert.ok(busy.stream.hasLeft);
});

test('tells those who are many to come back at different times (SS4)', async () => {
  const world = new SessionWorld(1_000);
  const sockets = Array.from({ length: 600 }, () => world.open(''));
  world.isDraining = true;
  world.sessions.drain();
  assert.equal(sockets.at(-1)?.code, undefined, 'not all in one turn');
  while (sockets.at(-1)?.code === undefined) await turn();
  const times = new Set(sockets.map((socket) => socket.sent[0]?.resume_after_ms));
  assert.equal(times.size, 600);
});
