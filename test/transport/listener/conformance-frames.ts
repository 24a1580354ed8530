// Frames: what is handed over, and every way in which a peer can break the protocol.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { it } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import type { Socket } from '../../../src/transport/listener/socket.js';
import { FRAME_BYTES_MAX } from '../../../src/transport/listener/socket-bounds.js';
import type { Stage, Subject } from './listener-stage.js';
import { eventually } from './raw-client.js';
import {
  BINARY,
  CLOSE,
  closing,
  type FrameShape,
  frame,
  framesOf,
  message,
  PING,
  PONG,
  serve,
  TEXT,
  withinDeadline,
} from './socket-stage.js';

const BOUND = 10_000;
const EURO = Buffer.from('€');
const part = (payload: string | Uint8Array, shape: FrameShape = {}): string =>
  frame(payload, { isLast: false, ...shape });
const rest = (payload: string | Uint8Array, shape: FrameShape = {}): string => frame(payload, { opcode: 0, ...shape });

/** What ends a socket, with nothing handed over (S3). */
const BREACHES: ReadonlyArray<readonly [what: string, bytes: string]> = [
  ['a frame over the bound', frame(randomBytes(BOUND + 1), { opcode: BINARY })],
  ['the head of a frame of 2^40 bytes', '\x82\xff\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00'],
  ['the head of a frame of 2^63 bytes', '\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'],
  ['fragments over the bound', part('x'.repeat(BOUND)) + rest('y')],
  ['fragments over the bound that never end', part('x'.repeat(BOUND)) + part('y', { opcode: 0 })],
  ['text that is not UTF-8', frame(Buffer.from([0xc3, 0x28]))],
  ['text with a surrogate', frame(Buffer.from([0xed, 0xa0, 0x80]))],
  ['text that ends within a character', frame(EURO.subarray(0, 2))],
  ['fragments that are not UTF-8 together', part(EURO.subarray(0, 2)) + rest('x')],
  ['an unmasked frame', frame('hello', { isMasked: false })],
  ['the first reserved bit: a compression bomb', frame(deflateRawSync(Buffer.alloc(1 << 20)), { reserved: 0x40 })],
  ['the second reserved bit', frame('x', { reserved: 0x20 })],
  ['the third reserved bit', frame('x', { reserved: 0x10 })],
  ['a ping of 126 bytes', frame('x'.repeat(126), { opcode: PING })],
  ['a ping in fragments', part('x', { opcode: PING }) + rest('y')],
  ['a close in fragments', part(closing(1000), { opcode: CLOSE }) + rest('')],
  ['a rest without a beginning', rest('x')],
  ['a beginning within fragments', part('x') + frame('y')],
  ['an unknown kind of data', frame('x', { opcode: 3 })],
  ['an unknown kind of control', frame('x', { opcode: 11 })],
  ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
];

export function frameConformance(_subject: Subject, stage: Stage): void {
  it('gives back text and bytes as they were sent, empty ones too', async () => {
    const { client, witnesses } = await serve(stage);
    const peer = await client();
    for (const text of ['', 'hello', 'Grüße, 🐘', 'x'.repeat(70_000)]) {
      peer.send(text);
      const [data, isBinary] = (await once(peer, 'message', withinDeadline())) as [Buffer, boolean];
      assert.deepEqual([data.toString(), isBinary], [text, false]);
    }
    for (const bytes of [Buffer.alloc(0), randomBytes(125), randomBytes(70_000)]) {
      peer.send(bytes);
      const [data, isBinary] = (await once(peer, 'message', withinDeadline())) as [Buffer, boolean];
      assert.ok(isBinary && data.equals(bytes));
    }
    assert.deepEqual(
      witnesses[0]?.frames.map(({ isBinary }) => isBinary),
      [false, false, false, false, true, true, true],
    );
  });

  it('sends bytes as they were when they were given', async () => {
    const data = (socket: Socket): void => {
      const bytes = Buffer.from('as it was');
      socket.send(bytes);
      bytes.fill(0);
    };
    const { client } = await serve(stage, { react: { data } });
    const peer = await client();
    peer.send('now');
    assert.equal(await message(peer), 'as it was');
  });

  it('joins fragments, answers a ping between them, and takes a character that is split over them (S3)', async () => {
    const { raw, witnesses } = await serve(stage);
    const peer = await raw();
    peer.send(
      part('a') + frame('?', { opcode: PING }) + part(EURO.subarray(0, 1), { opcode: 0 }) + rest(EURO.subarray(1)),
    );
    await eventually('pong and echo', () => framesOf(peer).length === 2);
    const heard = framesOf(peer).map(({ opcode, payload }) => [opcode, payload.toString()]);
    assert.deepEqual(heard, [
      [PONG, '?'],
      [TEXT, 'a€'],
    ]);
    assert.equal(witnesses[0]?.frames.length, 1);
  });

  it('takes frames byte by byte', async () => {
    const { raw } = await serve(stage);
    const peer = await raw();
    for (const byte of part('slow') + rest('ly')) await peer.send(byte).flushed();
    await eventually('the echo', () => framesOf(peer)[0]?.payload.toString() === 'slowly');
  });

  it('takes a frame of exactly the bound, whole and in fragments (S3)', async () => {
    const { raw, witnesses } = await serve(stage, { options: { frameBytesMax: BOUND }, react: {} });
    const peer = await raw();
    peer.send(frame('x'.repeat(BOUND)) + part('y'.repeat(BOUND - 1)) + rest('z') + part('y'.repeat(BOUND)) + rest(''));
    await eventually('three frames', () => witnesses[0]?.frames.length === 3);
    assert.deepEqual(
      witnesses[0]?.frames.map(({ bytes }) => bytes.length),
      [BOUND, BOUND, BOUND],
    );
  });

  it('takes frames of 2 MiB and a little where no other bound is given, and none that are larger', async () => {
    const { raw, witnesses } = await serve(stage, { react: {} });
    const peer = await raw();
    peer.send(frame(Buffer.alloc(FRAME_BYTES_MAX), { opcode: BINARY }));
    await eventually('the frame', () => witnesses[0]?.frames.length === 1);
    peer.send(frame(Buffer.alloc(FRAME_BYTES_MAX + 1), { opcode: BINARY }));
    await eventually('the end', () => witnesses[0]?.isClosed === true);
    assert.deepEqual(witnesses[0]?.calls, ['opened', 'data', 'closed 1006']);
  });

  for (const [what, bytes] of BREACHES) {
    it(`ends a socket for ${what}, and hands nothing of it over (S3)`, async () => {
      const { raw, client, witnesses, defects, listener } = await serve(stage, { options: { frameBytesMax: BOUND } });
      const other = await client();
      const peer = await raw();
      peer.send(frame('sound') + bytes + frame('behind'));
      await peer.end();
      assert.deepEqual(witnesses[1]?.calls, ['opened', 'data', 'closed 1006']);
      assert.equal(listener.sockets, 1);
      other.send('still here');
      assert.equal(await message(other), 'still here');
      assert.deepEqual(defects, []);
    });
  }

  it('ends a socket for broken text that is never finished by what follows (S3)', async () => {
    const { raw, witnesses } = await serve(stage);
    const peer = await raw();
    peer.send(part(Buffer.from([0xc3])) + rest(Buffer.from([0x28])));
    await peer.end();
    assert.deepEqual(witnesses[0]?.calls, ['opened', 'closed 1006']);
  });
}
