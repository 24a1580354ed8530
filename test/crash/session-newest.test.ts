// The newest session of an agent wins, also while the worker that holds the agent is being replaced: the older session, which
// lost its stream and would begin it again, does not take the place of the newer one.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { CLOSE, SESSION_PATH, SUBPROTOCOL_JSON } from '../../src/contract/session.js';
import { onBothListeners, type Stage } from '../server/on-both-listeners.js';
import type { Agent } from '../server/troupe-api.js';

const AGENTS = 16;
/** The newer sessions begin at another moment of the replacement in each. */
const ROUNDS = 4;

const check = onBothListeners();

check('the newest session wins while a worker is replaced', async (stage) => {
  const { api, server } = stage;
  const admin = await server.adminToken();
  const operator = await api.operator();
  const agents: Agent[] = [];
  while (agents.length < AGENTS) agents.push(await api.agent(operator));
  for (let round = 0; round < ROUNDS; round++) {
    const older = await Promise.all(agents.map((agent) => begin(stage, agent)));
    await Promise.all(older.map(({ welcomed }) => welcomed));
    const olderEnds = older.map(({ socket }) => once(socket, 'close') as Promise<[number]>);
    const replacement = api.send({ method: 'POST', path: '/admin/workers/0/replace', as: admin, body: {} });
    // As many requests as the round says go before, each in a turn of its own.
    for (let turn = 0; turn < round; turn++) await api.send({ path: '/v1/health' });
    const newer = await Promise.all(agents.map((agent) => begin(stage, agent)));
    const heard = newer.map(({ socket }) => firstMessage(socket));
    // The first that fails is told; the others are of no interest then.
    for (const one of heard) one.catch(() => undefined);
    assert.equal((await replacement).status, 200);
    for (const [code] of await Promise.all(olderEnds)) assert.equal(code, CLOSE.replaced);
    for (const [place, agent] of agents.entries()) {
      const sent = { to: agent.agent_address, content: `round ${round}` };
      const call = { method: 'POST', path: '/v1/messages', as: agent.agent_token, body: sent };
      while ((await api.send({ ...call, headers: { 'idempotency-key': `r${round}` } })).status !== 202);
      assert.equal(await heard[place], `round ${round}`);
    }
    for (const { socket } of newer) socket.terminate();
  }
});

interface Begun {
  readonly socket: WebSocket;
  readonly welcomed: Promise<unknown>;
}

/** Resolves when it has said hello. */
async function begin({ server }: Stage, { agent_token }: Agent): Promise<Begun> {
  const headers = { authorization: `Bearer ${agent_token}` };
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}${SESSION_PATH}`, SUBPROTOCOL_JSON, { headers });
  const welcomed = once(socket, 'message');
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'hello' }));
  return { socket, welcomed };
}

/** The content of the newest message that comes; rejects when the session ends instead. */
function firstMessage(socket: WebSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('close', (code) => reject(new Error(`the newest session was closed with ${code}`)));
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString('utf8')) as Readonly<Record<string, unknown>>;
      if (frame.type !== 'message') return;
      socket.send(JSON.stringify({ type: 'ack', seq: frame.seq }));
      resolve(String(frame.content));
    });
  });
}
