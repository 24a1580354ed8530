// Watches of the shared state, across connections (watches.ts).

import assert from 'node:assert/strict';
import { CHANGES_MAX } from '../../src/client/watches.js';
import { failure, nextOf, onAScript } from './on-a-script.js';
import { AGENT, LIMITS, type Peer } from './scripted-server.js';

const RESET = { kind: 'reset' } as const;

function change(peer: Peer, key: string, etag: string | null): object {
  const members = { key, etag, deleted: etag === null, by: AGENT, at: '2026-01-01T00:00:00Z' };
  peer.send({ type: 'change', ...members });
  return { kind: 'change', ...members };
}

async function agree(peer: Peer, prefix: string): Promise<unknown> {
  const frame = await peer.frame('watch');
  assert.equal(frame.prefix, prefix);
  peer.send({ type: 'ok', id: frame.id });
  return frame.id;
}

onAScript('begins with a reset, then tells the changes under its prefix (W1)', async ({ live }) => {
  const [agent, peer] = await live();
  const [under, all] = [agent.state.watch('a/'), agent.state.watch()];
  await agree(peer, 'a/');
  await agree(peer, '');
  assert.deepEqual([await nextOf(under), await nextOf(all)], [RESET, RESET]);
  const other = change(peer, 'b', '1');
  const mine = change(peer, 'a/b', '2');
  // Once more, because it is under both.
  change(peer, 'a/b', '2');
  const gone = change(peer, 'a/b', null);
  assert.deepEqual([await nextOf(under), await nextOf(under)], [mine, gone]);
  assert.deepEqual([await nextOf(all), await nextOf(all), await nextOf(all)], [other, mine, gone]);
});

onAScript('watches again after the connection was lost, and says that there was a gap', async ({ live, server }) => {
  const [agent, peer] = await live();
  const loop = agent.state.watch('a');
  await agree(peer, 'a');
  await nextOf(loop);
  peer.cut();
  const again = await server.peer();
  await again.welcome();
  await agree(again, 'a');
  assert.deepEqual(await nextOf(loop), RESET);
  const told = change(again, 'a', '1');
  assert.deepEqual(await nextOf(loop), told);
});

onAScript('watches again when the server has ended a watch, and says that there was a gap', async ({ live }) => {
  const [agent, peer] = await live();
  const loop = agent.state.watch('a');
  const id = await agree(peer, 'a');
  await nextOf(loop);
  peer.send({ type: 'error', id, error: 'unavailable', message: '', retry_after_ms: 5, watch_ended: true });
  assert.notEqual(await agree(peer, 'a'), id);
  assert.deepEqual(await nextOf(loop), RESET);
});

onAScript(
  'asks again for a watch that the server cannot give yet, and gives up one that it will not',
  async ({ live }) => {
    const [agent, peer] = await live();
    const loop = agent.state.watch('a');
    const { id } = await peer.frame('watch');
    peer.send({ type: 'error', id, error: 'unavailable', message: '', retry_after_ms: 1 });
    await agree(peer, 'a');
    assert.deepEqual(await nextOf(loop), RESET);
    const refused = agent.state.watch('b');
    peer.send({ type: 'error', id: (await peer.frame('watch')).id, error: 'bad_request', message: '' });
    await failure(refused.next(), 'bad_request');
  },
);

onAScript('gives a loop that is too slow a reset in the place of what it missed (W2)', async ({ live }) => {
  const [agent, peer] = await live();
  const loop = agent.state.watch();
  await agree(peer, '');
  await nextOf(loop);
  for (let number = 0; number <= CHANGES_MAX; number++) change(peer, `key ${number}`, '1');
  const last = change(peer, 'last', '1');
  const pong = agent.ping();
  peer.send({ type: 'pong', id: (await peer.frame('ping')).id });
  await pong;
  assert.deepEqual([await nextOf(loop), await nextOf(loop)], [RESET, last]);
});

onAScript('tells the server when a loop has ended, also one that was being set up', async ({ live }) => {
  const [agent, peer] = await live();
  const loop = agent.state.watch('a');
  const id = await agree(peer, 'a');
  await nextOf(loop);
  const stop = new AbortController();
  const early = agent.state.watch('b', { signal: stop.signal });
  const { id: earlyId } = await peer.frame('watch');
  stop.abort();
  await failure(early.next(), 'aborted');
  peer.send({ type: 'ok', id: earlyId });
  assert.equal((await peer.frame('unwatch')).id, earlyId);
  await loop.return?.();
  assert.equal((await peer.frame('unwatch')).id, id);
  assert.equal((await loop.next()).done, true);
});

onAScript('refuses more watches than a session may have, and ends them with it', async ({ live }) => {
  const [agent, peer] = await live({}, { limits: { ...LIMITS, watches_max: 1 } });
  const loop = agent.state.watch('a');
  await failure(agent.state.watch('b').next(), 'rate_limited');
  await agree(peer, 'a');
  await nextOf(loop);
  const waiting = loop.next();
  agent.close();
  assert.equal((await waiting).done, true);
});
