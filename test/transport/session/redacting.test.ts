import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REDACTED } from '../../../src/redaction.js';
import { FULL_BYTES } from '../../../src/transport/session/frame-socket.js';
import { AGENT, pushed, SessionWorld } from './session-world.js';

test('what waits for a slow socket is told without the content that was removed meanwhile', () => {
  const world = new SessionWorld();
  const { socket, stream } = world.live();
  socket.bufferedBytes = FULL_BYTES + 1;
  stream.reader.item({ kind: 'messages', messages: [pushed(1), pushed(2)] });
  stream.reader.item({ kind: 'messages', messages: [pushed(3)] });
  assert.deepEqual(socket.take(), []);
  world.sessions.redact(AGENT, 'id 2');
  world.sessions.redact('tab_somebody_else', 'id 1');
  world.sessions.redact(AGENT, 'id 9');
  socket.drain();
  assert.deepEqual(
    socket.take().map(({ seq, content, redacted }) => [seq, content, redacted]),
    [
      [1, 'content 1', undefined],
      [2, REDACTED, true],
      [3, 'content 3', undefined],
    ],
  );
});
