// The end of sockets: from either side, by a fault of the handler, by draining and by closing the listener.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import type { Socket, SocketHandler } from '../../../src/transport/listener/socket.js';
import type { Stage, Subject } from './listener-stage.js';
import { eventually } from './raw-client.js';
import {
  CLOSE,
  closing,
  codeOf,
  echo,
  frame,
  framesOf,
  message,
  nobodyLeft,
  serve,
  withinDeadline,
} from './socket-stage.js';

export function closingConformance(subject: Subject, stage: Stage): void {
  for (const [code, told] of [
    [1000, 1000],
    [1001, 1001],
    [4999, 4999],
    [undefined, 1005],
  ] as const) {
    it(`tells that the peer closed with ${code ?? 'no code'} (S2)`, async () => {
      const { client, witnesses, listener } = await serve(stage);
      const peer = await client();
      peer.close(code);
      assert.equal(await codeOf(peer), told);
      await nobodyLeft(listener);
      assert.deepEqual(witnesses[0]?.calls, ['opened', `closed ${told}`]);
    });
  }

  it('tells 1006 where the peer went away, however it went (S2)', async () => {
    const { raw, client, witnesses, listener } = await serve(stage);
    (await raw()).destroy();
    (await raw()).finish();
    (await client()).terminate();
    (await raw()).send(frame(closing(999), { opcode: CLOSE }));
    await eventually('four ends', () => witnesses.length === 4 && witnesses.every(({ isClosed }) => isClosed));
    for (const { calls } of witnesses) assert.deepEqual(calls, ['opened', 'closed 1006']);
    assert.equal(listener.sockets, 0);
  });

  it('closes behind what was sent, with code and reason, and is closed at once (S2)', async () => {
    const { client, witnesses, listener } = await serve(stage);
    const peer = await client();
    const { socket, calls } = witnesses[0] ?? assert.fail();
    assert.equal(socket.send('last words'), true);
    const said = message(peer);
    const over = once(peer, 'close', withinDeadline()) as Promise<[number, Buffer]>;
    socket.close(4001, 'replaced');
    assert.deepEqual([calls, listener.sockets], [['opened', 'closed 4001'], 0]);
    assert.equal(await said, 'last words');
    const [code, reason] = await over;
    assert.deepEqual([code, reason.toString()], [4001, 'replaced']);
    await nobodyLeft(listener);
  });

  it('cuts a reason that is too long after a whole character', async () => {
    const { client, witnesses } = await serve(stage);
    const peer = await client();
    const over = once(peer, 'close', withinDeadline()) as Promise<[number, Buffer]>;
    witnesses[0]?.socket.close(4000, `ab${'€'.repeat(100)}`);
    assert.equal((await over)[1].toString(), `ab${'€'.repeat(40)}`);
  });

  it('does nothing any more once it is closed (S2)', async () => {
    const { raw, witnesses } = await serve(stage);
    const peer = await raw();
    const witness = witnesses[0] ?? assert.fail();
    witness.socket.close(4000, '');
    assert.deepEqual([witness.socket.send('late'), witness.socket.bufferedBytes], [false, 0]);
    witness.socket.close(4001, 'again');
    witness.socket.terminate();
    peer.send(frame('late') + frame(closing(4000), { opcode: CLOSE }));
    await peer.end();
    assert.deepEqual(witness.calls, ['opened', 'closed 4000']);
    assert.deepEqual(
      framesOf(peer).map(({ opcode, payload }) => [opcode, payload.readUInt16BE()]),
      [[CLOSE, 4000]],
    );
  });

  it('cuts the connection on terminate (S2)', async () => {
    const { client, witnesses, listener } = await serve(stage);
    const peer = await client();
    const over = codeOf(peer);
    witnesses[0]?.socket.terminate();
    assert.deepEqual([witnesses[0]?.calls, listener.sockets], [['opened', 'closed 1006'], 0]);
    assert.equal(await over, 1006);
  });

  const fault = (): never => {
    throw new Error('thrown on purpose');
  };
  const slips: ReadonlyArray<readonly [where: string, react: Partial<SocketHandler>]> = [
    ['opened', { opened: fault }],
    ['data', { data: fault }],
  ];
  for (const [where, react] of slips) {
    it(`ends a socket whose handler throws in ${where} with 1011 (S7)`, async () => {
      const { raw, witnesses, defects, listener } = await serve(stage, { react });
      const peer = await raw();
      peer.send(frame('one') + frame('two'));
      await eventually('a close frame', () => framesOf(peer).length > 0);
      assert.deepEqual(
        framesOf(peer).map(({ opcode, payload }) => [opcode, payload.readUInt16BE()]),
        [[CLOSE, 1011]],
      );
      const calls = where === 'opened' ? ['opened', 'closed 1011'] : ['opened', 'data', 'closed 1011'];
      assert.deepEqual([witnesses[0]?.calls, defects.length, listener.sockets], [calls, 1, 0]);
    });
  }

  it('survives a handler that throws in closed (S7)', async () => {
    const { client, defects, listener } = await serve(stage, { react: { ...echo, closed: fault } });
    const [one, other] = [await client(), await client()];
    one.close();
    await eventually('the defect', () => defects.length === 1);
    other.send('still here');
    assert.equal(await message(other), 'still here');
    assert.equal(listener.sockets, 1);
  });

  for (const [how, end, code] of [
    ['close', (socket: Socket) => socket.close(4000, ''), 4000],
    ['terminate', (socket: Socket) => socket.terminate(), 1006],
  ] as const) {
    it(`can be ended by ${how} inside of its own calls, and hands over nothing more (S2)`, async () => {
      const { raw, witnesses } = await serve(stage, { react: { data: end, closed: end } });
      const peer = await raw();
      peer.send(frame('one') + frame('two') + frame(closing(1000), { opcode: CLOSE }));
      await peer.end();
      assert.deepEqual(witnesses[0]?.calls, ['opened', 'data', `closed ${code}`]);
    });

    it(`can be ended by ${how} while it is opened`, async () => {
      const { connect, witnesses, listener } = await serve(stage, { react: { opened: end } });
      const peer = await connect();
      peer.send(
        `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n`,
      );
      peer.send('Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
      await eventually('the end', () => witnesses[0]?.isClosed === true);
      peer.finish();
      await peer.end();
      assert.deepEqual([witnesses[0]?.calls, listener.sockets], [['opened', `closed ${code}`], 0]);
    });
  }

  it('can be ended by another socket', async () => {
    const { client, witnesses } = await serve(stage, {
      react: { data: () => witnesses.find(({ isOpen }) => isOpen)?.socket.close(4001, '') },
    });
    const [first, second] = [await client(), await client()];
    const over = codeOf(first);
    second.send('I am newer');
    assert.equal(await over, 4001);
    assert.deepEqual(witnesses[1]?.calls, ['opened', 'data']);
  });

  it('leaves sockets open while it drains, without counting them as connections, and close ends them (S9)', async () => {
    const { client, connect, witnesses, listener } = await serve(stage);
    const peer = await client();
    const idle = await connect();
    assert.equal((await idle.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n').answer()).status, 200);
    assert.deepEqual([listener.sockets, listener.connections], [1, 1]);
    listener.drain();
    // Longer than the adapters wait before they end what is left of a drain.
    const until = performance.now() + 700;
    for (let n = 0; performance.now() < until; n += 1) {
      peer.send(`${n}`);
      assert.equal(await message(peer), `${n}`);
    }
    assert.equal(listener.sockets, 1);
    if (subject.name === 'node') await idle.end();
    peer.close();
    await codeOf(peer);
    await idle.end();
    await nobodyLeft(listener);
    assert.equal(witnesses[0]?.calls.at(-1), 'closed 1005');
  });

  it('close ends every socket now, and tells the handlers (S9)', async () => {
    const { client, raw, witnesses, listener } = await serve(stage);
    const peer = await client();
    const over = codeOf(peer);
    const other = await raw();
    // One that is in its close handshake, and does not answer.
    const third = await raw();
    witnesses[2]?.socket.close(4000, '');
    listener.close();
    assert.equal(await over, 1006);
    for (const one of [other, third]) await one.end();
    await nobodyLeft(listener);
    assert.deepEqual(
      witnesses.map(({ calls }) => calls.at(-1)),
      ['closed 1006', 'closed 1006', 'closed 4000'],
    );
  });
}
