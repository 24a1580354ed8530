// What one session watches, on a played socket and played partitions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WATCHES_MAX } from '../../../src/contract/session.js';
import { FULL_BYTES } from '../../../src/transport/session/frame-socket.js';
import { AGENT, fault, ok, type PlayedSocket, SessionWorld, turn } from './session-world.js';

interface Watching {
  readonly world: SessionWorld;
  readonly socket: PlayedSocket;
  readonly change: (key: string, etag?: string | null) => void;
}

/** A session with watches of these prefixes, whose ids are their places. */
async function watching(...prefixes: readonly string[]): Promise<Watching> {
  const world = new SessionWorld();
  const { socket } = world.live();
  for (const [id, prefix] of prefixes.entries()) socket.hear({ type: 'watch', id, prefix });
  const follows = world.subscribed.filter(({ message }) => message === 'follow');
  for (const { reader } of follows) reader.item({ kind: 'following' });
  for (const { answer } of world.asked.splice(0)) answer(ok(null));
  await turn();
  assert.deepEqual(
    socket.take().map(({ type, id }) => [type, id]),
    prefixes.map((_, id) => ['ok', id]),
  );
  const change = (key: string, etag: string | null = 'e') =>
    follows[0]?.reader.item({ kind: 'change', change: { key, etag, by: AGENT, at: 0 } });
  return { world, socket, change };
}

const keys = (socket: PlayedSocket) => socket.take().map(({ key }) => key);

test('keeps the latest change of each key while the socket is full, and tells them in the order of the last (SW2)', async () => {
  const { socket, change } = await watching('');
  socket.bufferedBytes = FULL_BYTES + 1;
  for (const [key, etag] of [
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
    ['c', '4'],
    ['c', null],
  ] as const) {
    change(key, etag);
  }
  assert.deepEqual(socket.take(), []);
  socket.drain();
  assert.deepEqual(
    socket.take().map(({ key, etag, deleted }) => [key, etag, deleted]),
    [
      ['b', '2', false],
      ['a', '3', false],
      ['c', null, true],
    ],
  );
  change('d');
  assert.deepEqual(keys(socket), ['d']);
});

test('ends all watches when more than 1024 keys wait, tells nothing of them, and can watch again (SW2, SW3)', async () => {
  const { world, socket, change } = await watching('', 'a');
  socket.bufferedBytes = FULL_BYTES + 1;
  for (let i = 0; i < 1_024; i++) change(`a${i}`);
  change('a7');
  assert.deepEqual(socket.take(), []);
  change('one more');
  assert.deepEqual(
    socket.take().map(({ id, error, watch_ended }) => [id, error, watch_ended]),
    [
      [0, 'unavailable', true],
      [1, 'unavailable', true],
    ],
  );
  assert.equal(world.sessions.hub.size, 0);
  socket.drain();
  change('a');
  assert.deepEqual(socket.take(), []);
  socket.hear({ type: 'watch', id: 0, prefix: 'b' });
  for (const { answer } of world.asked.splice(0)) answer(ok(null));
  await turn();
  assert.equal(socket.take()[0]?.type, 'ok');
});

test('drops what waits for a prefix that is not watched any more', async () => {
  const { socket, change } = await watching('a', 'ab', 'b');
  socket.bufferedBytes = FULL_BYTES + 1;
  for (const key of ['a1', 'ab', 'b1']) change(key);
  socket.hear({ type: 'unwatch', id: 0 });
  socket.hear({ type: 'unwatch', id: 2 });
  socket.take();
  socket.drain();
  assert.deepEqual(keys(socket), ['ab']);
});

test('answers a watch once: when it is ready, refused, or taken back (LV1)', async () => {
  const { world, socket } = await watching('a');
  socket.hear({ type: 'watch', id: 'refused', prefix: 'r' });
  for (const { answer } of world.asked.splice(0)) answer(fault('OVERLOADED'));
  await turn();
  assert.deepEqual(
    socket.take().map(({ id, error }) => [id, error]),
    [['refused', 'unavailable']],
  );
  socket.hear({ type: 'watch', id: 'taken back', prefix: 't' });
  socket.hear({ type: 'unwatch', id: 'taken back' });
  for (const { answer } of world.asked.splice(0)) answer(ok(null));
  await turn();
  assert.deepEqual(
    socket.take().map(({ type, id }) => [type, id]),
    [['ok', 'taken back']],
  );
  world.isDraining = true;
  world.sessions.drain();
  assert.equal(socket.code, 4009, 'nothing is in flight');
});

test('refuses an id that is in use, and more than 64, also while they wait (SW1)', async () => {
  const { socket } = await watching('a');
  socket.hear({ type: 'watch', id: 0, prefix: 'b' });
  assert.equal(socket.take()[0]?.error, 'bad_request');
  for (let id = 1; id < WATCHES_MAX; id++) socket.hear({ type: 'watch', id, prefix: `${id}` });
  socket.hear({ type: 'watch', id: '0', prefix: 'b' });
  assert.deepEqual(
    socket.take().map(({ id, error }) => [id, error]),
    [['0', 'rate_limited']],
  );
});

test('gives its watches back when it ends (SE3)', async () => {
  const { world, socket } = await watching('a', 'b');
  socket.hear({ type: 'watch', id: 'pending', prefix: 'c' });
  socket.leave();
  assert.equal(world.sessions.hub.size, 0);
});
