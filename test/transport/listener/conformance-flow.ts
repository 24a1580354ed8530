// Flow: peers that do not read, peers that say nothing, and many of them.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Socket } from '../../../src/transport/listener/socket.js';
import { SEND_BUFFER_BYTES_MAX } from '../../../src/transport/listener/socket-bounds.js';
import type { Stage, Subject } from './listener-stage.js';
import { eventually } from './raw-client.js';
import {
  codeOf,
  frame,
  framesOf,
  message,
  nobodyLeft,
  PING,
  PONG,
  serve,
  upgradeRequest,
  type Witness,
} from './socket-stage.js';

const PIECE_BYTES = 64 * 1024;
const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Sends numbered pieces until so much waits; says how many there were. */
function fill({ socket }: Witness, bytes: number): number {
  let pieces = 0;
  for (; socket.bufferedBytes < bytes && pieces < 1000; pieces += 1) {
    const piece = Buffer.alloc(PIECE_BYTES);
    piece.writeUInt32BE(pieces);
    assert.equal(socket.send(piece), true);
  }
  return pieces;
}

function pastTime(delayMs: number): () => boolean {
  const until = performance.now() + delayMs;
  return () => performance.now() >= until;
}

export function flowConformance(subject: Subject, stage: Stage): void {
  it('keeps what a peer does not read, says how much, and says when it has drained (S6)', async () => {
    const { client, witnesses } = await serve(stage, { react: {} });
    const peer = await client();
    const witness = witnesses[0] ?? assert.fail();
    const seen: number[] = [];
    peer.on('message', (data: Buffer) => seen.push(data.readUInt32BE()));
    peer.pause();
    const pieces = fill(witness, 2 * MIB);
    const full = witness.socket.bufferedBytes;
    assert.ok(full >= 2 * MIB && full < 2 * MIB + 2 * PIECE_BYTES, `${full}`);
    assert.deepEqual(witness.calls, ['opened']);
    peer.resume();
    await eventually('everything', () => seen.length === pieces);
    assert.deepEqual(seen, [...seen.keys()]);
    await eventually('the word', () => witness.calls.includes('drained') && witness.socket.bufferedBytes === 0);
  });

  it('can be filled again from within drained (S6)', async () => {
    let refills = 0;
    const { client, witnesses } = await serve(stage, {
      react: {
        drained: (socket) => {
          if (refills === 3 || socket.bufferedBytes > 0) return;
          refills += 1;
          fill(witnesses[0] ?? assert.fail(), MIB);
        },
      },
    });
    const peer = await client();
    let heard = 0;
    peer.on('message', () => {
      heard += 1;
      // Not all at once, or nothing would ever have to wait.
      if (heard % 50 !== 0) return;
      peer.pause();
      setImmediate(() => peer.resume());
    });
    peer.pause();
    fill(witnesses[0] ?? assert.fail(), MIB);
    peer.resume();
    await eventually('three refills', () => refills === 3 && witnesses[0]?.socket.bufferedBytes === 0);
  });

  it('ends a socket whose handler throws in drained with 1011 (S7)', async () => {
    const { client, witnesses, defects } = await serve(stage, {
      react: {
        drained: () => {
          throw new Error('thrown on purpose');
        },
      },
    });
    const peer = await client();
    peer.pause();
    fill(witnesses[0] ?? assert.fail(), MIB);
    const over = codeOf(peer);
    peer.resume();
    assert.equal(await over, 1011);
    assert.deepEqual([witnesses[0]?.calls, defects.length], [['opened', 'drained', 'closed 1011'], 1]);
  });

  it('cuts a socket past the most that may wait, and keeps none of it (S6)', async () => {
    const { client, witnesses } = await serve(stage, { react: {} });
    const peer = await client();
    peer.pause();
    const witness = witnesses[0] ?? assert.fail();
    let pieces = 0;
    while (witness.socket.send(Buffer.alloc(PIECE_BYTES)) && pieces < 1000) pieces += 1;
    assert.deepEqual(witness.calls, ['opened', 'closed 1006']);
    assert.ok(pieces > SEND_BUFFER_BYTES_MAX / PIECE_BYTES && pieces < 1000, `${pieces}`);
    assert.equal(witness.socket.bufferedBytes, 0);
  });

  it('cuts a peer that sends pings and reads no pong', async () => {
    const { raw, witnesses } = await serve(stage);
    const peer = await raw();
    peer.pause();
    const pings = frame('x'.repeat(125), { opcode: PING }).repeat(1000);
    for (let n = 0; n < 400 && witnesses[0]?.isClosed === false; n += 1) await peer.send(pings).flushed();
    await eventually('the end', () => witnesses[0]?.isClosed === true);
  });

  it('answers pings, and says nothing of them to the handler', async () => {
    const { raw, witnesses } = await serve(stage);
    const peer = await raw();
    peer.send(frame('are you there', { opcode: PING }) + frame('', { opcode: PONG }) + frame('', { opcode: PING }));
    await eventually('two pongs', () => framesOf(peer).length === 2);
    assert.deepEqual(
      framesOf(peer).map(({ opcode, payload }) => [opcode, payload.toString()]),
      [
        [PONG, 'are you there'],
        [PONG, ''],
      ],
    );
    assert.deepEqual(witnesses[0]?.calls, ['opened']);
  });

  it('closes a peer that says nothing, after a ping, and keeps one that answers pings (S8)', async () => {
    // The shortest that uWebSockets.js has.
    const socketIdleTimeoutMs = subject.name === 'uws' ? 8000 : 400;
    const { raw, client, witnesses, listener } = await serve(stage, { options: { socketIdleTimeoutMs } });
    const mute = await raw();
    const quiet = await client();
    let pings = 0;
    quiet.on('ping', () => {
      pings += 1;
    });
    const begun = performance.now();
    await eventually('the mute one is closed', () => witnesses[0]?.isClosed === true, 2 * socketIdleTimeoutMs + 4000);
    const tookMs = performance.now() - begun;
    assert.deepEqual(witnesses[0]?.calls, ['opened', 'closed 1006']);
    assert.equal(framesOf(mute)[0]?.opcode, PING);
    // Half of it, since uWebSockets.js counts in steps of 4 seconds.
    assert.ok(tookMs >= socketIdleTimeoutMs / 2, `after ${tookMs} ms`);
    assert.deepEqual([listener.sockets, pings > 0], [1, true]);
    quiet.send('still here');
    assert.equal(await message(quiet), 'still here');
  });

  it('has no time limit of HTTP on a socket', async () => {
    const options = { headTimeoutMs: 60, idleTimeoutMs: 60, bodyTimeoutMs: 60 };
    const { client } = await serve(stage, { options });
    const peer = await client();
    await eventually('the idle time is over', pastTime(4 * options.idleTimeoutMs));
    peer.send('still here');
    assert.equal(await message(peer), 'still here');
  });

  it('counts sockets to the bound of connections', async () => {
    const { client, raw, connect, listener } = await serve(stage, { options: { connectionsMax: 2 } });
    const first = await client();
    const second = await raw();
    const third = await connect();
    await third.send(upgradeRequest()).end();
    assert.equal(third.text, '');
    first.close();
    await codeOf(first);
    await eventually('room', () => listener.sockets === 1);
    (await client()).terminate();
    second.destroy();
    await nobodyLeft(listener);
  });

  it('keeps nothing of 2,000 sockets that were opened and closed', async () => {
    const opened: WeakRef<Socket>[] = [];
    const { client, witnesses, listener } = await serve(stage, {
      react: { opened: (socket) => opened.push(new WeakRef(socket)) },
    });
    for (let hundred = 0; hundred < 20; hundred += 1) {
      const peers = await Promise.all(Array.from({ length: 100 }, client));
      assert.deepEqual([listener.sockets, listener.connections], [100, 0]);
      for (const [n, peer] of peers.entries()) {
        if (n % 2 === 0) peer.close();
        else peer.terminate();
      }
      await nobodyLeft(listener);
      // Whoever else holds a socket would keep it.
      (witnesses as Witness[]).length = 0;
    }
    assert.equal(opened.length, 2000);
    let kept = opened.length;
    await eventually('they are collected', () => {
      collectGarbage();
      kept = opened.filter((reference) => reference.deref() !== undefined).length;
      return kept <= 10;
    }).catch(() => assert.fail(`${kept} are kept`));
  });
}
