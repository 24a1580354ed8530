// What a program is handed, in which order, and when it is acknowledged (inbox.ts, messages.ts).

import assert from 'node:assert/strict';
import { connect } from '../../src/client/node.js';
import { until } from '../server/expectations.js';
import { contentsOf, failure, nextOf, onAScript } from './on-a-script.js';
import { AGENT, TOKEN } from './scripted-server.js';

const WINDOW = 16;

onAScript('hands out messages in order, each with what it says (I1)', async ({ live }) => {
  const [agent, peer] = await live();
  peer.message(1, { redelivered: true });
  peer.message(2);
  const loop = agent.messages();
  const { ack, ...members } = await nextOf(loop);
  assert.equal(typeof ack, 'function');
  assert.deepEqual(members, {
    seq: 1,
    messageId: 'id-1',
    from: AGENT,
    content: 'content 1',
    timestamp: '2026-01-01T00:00:00Z',
    redelivered: true,
  });
  assert.equal((await nextOf(loop)).content, 'content 2');
});

onAScript('acknowledges a message when the next one is asked for, and not before (G1)', async ({ live }) => {
  const [agent, peer] = await live();
  const loop = agent.messages();
  peer.message(1);
  await nextOf(loop);
  const pong = agent.ping();
  peer.send({ type: 'pong', id: (await peer.frame('ping')).id });
  await pong;
  assert.equal(peer.waiting, 0, 'no ack came before the ping');
  const next = nextOf(loop);
  assert.equal((await peer.frame('ack')).seq, 1);
  peer.message(2);
  await next;
});

onAScript('sends one ack for many messages to a reader that is busy', async ({ live }) => {
  const [agent, peer] = await live();
  for (let seq = 1; seq <= 60; seq++) peer.message(seq);
  const loop = agent.messages();
  assert.equal((await contentsOf(loop, 60)).length, 60);
  const rest = loop.next();
  let acks = 0;
  for (let acked = 0; acked < 60; acks++) acked = (await peer.frame('ack')).seq;
  assert.ok(acks < 30, `${acks} acks`);
  agent.close();
  assert.equal((await rest).done, true);
});

onAScript('gives a message whose loop body threw to the next loop, as a repeat (G1)', async ({ live }) => {
  const [agent, peer] = await live();
  for (const seq of [1, 2, 3]) peer.message(seq);
  const seen: string[] = [];
  const read = async (stopAt: number): Promise<void> => {
    for await (const { seq, redelivered } of agent.messages()) {
      seen.push(`${seq}${redelivered ? ' again' : ''}`);
      if (seq === stopAt) throw new Error('the body fails');
    }
  };
  await assert.rejects(read(2), /the body fails/);
  assert.equal((await peer.frame('ack')).seq, 1);
  await assert.rejects(read(3), /the body fails/);
  assert.deepEqual(seen, ['1', '2', '2 again', '3']);
  assert.equal((await peer.frame('ack')).seq, 2);
});

onAScript('acknowledges by hand: what is not done holds back what is behind it (G2)', async ({ live }) => {
  const [agent, peer] = await live();
  for (const seq of [1, 2, 3]) peer.message(seq);
  const loop = agent.messages({ ack: 'manual' });
  const [first, second, third] = [await nextOf(loop), await nextOf(loop), await nextOf(loop)];
  third.ack();
  second.ack();
  first.ack();
  assert.equal((await peer.frame('ack')).seq, 3);
  first.ack();
  assert.deepEqual(agent.position, { epoch: 'first', lastSeq: 3 });
});

onAScript('shares the messages between loops (G3)', async ({ live }) => {
  const [agent, peer] = await live();
  const loops = [agent.messages(), agent.messages()];
  const taken = loops.map((loop) => nextOf(loop));
  peer.message(1);
  peer.message(2);
  assert.deepEqual(
    (await Promise.all(taken)).map(({ seq }) => seq),
    [1, 2],
  );
});

onAScript('resumes behind what was handed out, and forgets what was not (I3)', async ({ live, server }) => {
  const [agent, peer] = await live();
  for (const seq of [1, 2, 3]) peer.message(seq);
  const loop = agent.messages();
  await contentsOf(loop, 2);
  assert.equal((await peer.frame('ack')).seq, 1);
  peer.cut();
  const again = await server.peer();
  const hello = await again.welcome();
  assert.deepEqual([hello.last_seq, hello.epoch], [2, 'first']);
  assert.equal((await again.frame('ack')).seq, 1, 'the acknowledgement is said again');
  again.message(2);
  again.message(3, { redelivered: true });
  again.message(4);
  assert.deepEqual(await contentsOf(loop, 2), ['content 3', 'content 4']);
  assert.equal((await again.frame('ack')).seq, 2);
});

onAScript('says again that a message is done when the server repeats it', async ({ live }) => {
  const [agent, peer] = await live();
  const loop = agent.messages();
  peer.message(1);
  (await nextOf(loop)).ack();
  assert.equal((await peer.frame('ack')).seq, 1);
  peer.message(1);
  assert.equal((await peer.frame('ack')).seq, 1);
  peer.message(2);
  assert.equal((await nextOf(loop)).seq, 2);
});

onAScript(
  'keeps a message in hand while the connection is away, and acknowledges it then',
  async ({ live, server }) => {
    const [agent, peer] = await live();
    const loop = agent.messages({ ack: 'manual' });
    peer.message(1);
    const message = await nextOf(loop);
    peer.cut();
    const again = await server.peer();
    assert.equal((await again.welcome()).last_seq, 1);
    message.ack();
    assert.equal((await again.frame('ack')).seq, 1);
  },
);

onAScript(
  'starts anew in another history, and knows a message that it holds by its id (I4)',
  async ({ live, server }) => {
    const [agent, peer] = await live({}, { next_seq: 101 });
    const loop = agent.messages({ ack: 'manual' });
    for (const seq of [101, 102]) peer.message(seq);
    const held = [await nextOf(loop), await nextOf(loop)];
    peer.cut();
    const restored = await server.peer();
    await restored.welcome({ epoch: 'second', resumed: false, next_seq: 7 });
    restored.message(7, { message_id: 'id-102' });
    restored.message(8);
    assert.equal((await nextOf(loop)).seq, 8, 'the one that is held is not handed out again');
    held[0]?.ack();
    held[1]?.ack();
    assert.equal((await restored.frame('ack')).seq, 7, 'in the new history');
    assert.deepEqual(agent.position, { epoch: 'second', lastSeq: 7 });
  },
);

onAScript('goes on where an earlier life of the program ended', async ({ server, live }) => {
  const [agent, peer] = await live({ from: { epoch: 'first', lastSeq: 5 } });
  assert.equal((await peer.frame('ack')).seq, 5);
  assert.equal(server.connections, 1);
  peer.message(5);
  peer.message(6);
  assert.equal((await nextOf(agent.messages())).seq, 6);
});

onAScript('tells its window, and refuses one that cannot be', async ({ server }) => {
  for (const window of [0, 1025, 1.5, Number.NaN]) {
    await failure(connect(server.url, { token: TOKEN, window }), 'bad_request');
  }
  const connecting = connect(server.url, { token: TOKEN, window: 3 });
  const peer = await server.peer();
  assert.deepEqual(await peer.welcome(), { type: 'hello', window: 3 });
  (await connecting).close();
});

onAScript('ends its loops when it is closed, and says what is done before', async ({ live }) => {
  const [agent, peer] = await live();
  for (const seq of [1, 2, 3]) peer.message(seq);
  const loop = agent.messages();
  for (const message of [await nextOf(loop), await nextOf(loop)]) message.ack();
  agent.close();
  assert.deepEqual(await loop.next(), { done: true, value: undefined });
  assert.deepEqual(await agent.messages().next(), { done: true, value: undefined });
  let acked = 0;
  while (acked < 2) acked = (await peer.frame('ack')).seq;
  assert.equal(await peer.closed(), 1000);
});

onAScript('lets a signal end one loop, and leaves its message to another', async ({ live }) => {
  const [agent, peer] = await live();
  const stop = new AbortController();
  const loop = agent.messages({ signal: stop.signal });
  peer.message(1);
  await nextOf(loop);
  const waiting = loop.next();
  stop.abort(new Error('enough'));
  assert.match(String((await failure(waiting, 'aborted')).cause), /enough/);
  await failure(loop.next(), 'aborted');
  await failure(agent.messages({ signal: stop.signal }).next(), 'aborted');
  peer.message(2);
  assert.equal((await nextOf(agent.messages())).seq, 2);
});

onAScript('hands out each message once, however often the connection is cut', async ({ server }) => {
  const count = 300;
  const cutsMax = 25;
  // A little generator of its own: the same cuts in every run.
  let seed = 12_345;
  const chance = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed / 2 ** 32;
  };
  let acked = 0;
  let cuts = 0;
  const serve = async (): Promise<void> => {
    while (acked < count) {
      const peer = await server.peer();
      const { last_seq = 0 } = await peer.welcome();
      const listen = async (): Promise<void> => {
        while (acked < count) acked = Math.max(acked, (await peer.frame('ack')).seq);
      };
      const listening = listen().catch(() => undefined);
      let isCut = false;
      // Of what the client has, some come again.
      for (let seq = Math.max(1, last_seq - 2); seq <= count && !isCut; seq++) {
        await until('there is room in the window', () => seq - acked <= WINDOW);
        peer.message(seq);
        isCut = cuts < cutsMax && chance() < 0.1;
      }
      if (isCut) cuts++;
      else await listening;
      peer.cut();
    }
  };
  const serving = serve();
  const agent = await connect(server.url, { token: TOKEN, window: WINDOW });
  const seen: number[] = [];
  for await (const message of agent.messages()) {
    seen.push(message.seq);
    if (message.seq === count) break;
  }
  for await (const message of agent.messages()) {
    assert.equal(message.seq, count, 'its loop ended over it');
    message.ack();
    agent.close();
  }
  await serving;
  assert.deepEqual(
    seen,
    Array.from({ length: count }, (_, index) => index + 1),
  );
  assert.equal(cuts, cutsMax);
});
