// Tests that play a script: each has a server and a session of its own. Back-offs have no random part, and so no length.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { ConnectOptions } from '../../src/client/agent-session.js';
import { type AgentSession, connect, type Message, TroupeError } from '../../src/client/node.js';
import type { WelcomeFrame } from '../../src/contract/session.js';
import { type Peer, ScriptedServer, TOKEN } from './scripted-server.js';

export interface Stage {
  readonly server: ScriptedServer;
  /** A session that is live, and the server's end of it. */
  live(options?: Partial<ConnectOptions>, welcome?: Partial<WelcomeFrame>): Promise<[AgentSession, Peer]>;
}

export function onAScript(name: string, run: (stage: Stage) => Promise<void>): void {
  test(name, async () => {
    const server = await ScriptedServer.start();
    const random = mock.method(Math, 'random', () => 0);
    const sessions: AgentSession[] = [];
    const live: Stage['live'] = async (options = {}, welcome = {}) => {
      const connecting = connect(server.url, { token: TOKEN, ...options });
      const peer = await server.peer();
      await peer.welcome(welcome);
      const session = await connecting;
      sessions.push(session);
      return [session, peer];
    };
    try {
      await run({ server, live });
    } finally {
      for (const session of sessions) session.close();
      server.close();
      random.mock.restore();
    }
  });
}

/** The error with this code that the promise must reject with. */
export async function failure(promise: Promise<unknown>, code: string): Promise<TroupeError> {
  const error = await promise.then(
    (value) => assert.fail(`it came to ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TroupeError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

export async function nextOf<T>(loop: AsyncIterator<T, undefined>): Promise<T> {
  const result = await loop.next();
  assert.ok(!result.done, 'the loop ended');
  return result.value;
}

export async function contentsOf(loop: AsyncIterator<Message, undefined>, count: number): Promise<string[]> {
  const contents: string[] = [];
  while (contents.length < count) contents.push((await nextOf(loop)).content);
  return contents;
}
