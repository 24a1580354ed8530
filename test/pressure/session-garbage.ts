// Session garbage
//
// Asks a server process, over its inspector, to collect the garbage of all its threads: what it keeps then, it keeps. Without
// that the memory of a process says as much about when its heaps were last looked through as about what is in them.
//
// The server must have been started with INSPECTED.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { until } from '../server/expectations.js';
import type { ServerProcess } from '../server/server-process.js';

/** For Node: an inspector at any free port of the loopback interface. */
export const INSPECTED = ['--inspect=127.0.0.1:0'];

/** A thread that blocks, as one that waits for hashes does, answers when it does something again: it is not waited for. */
const ANSWER_MS_MAX = 2_000;

interface Said {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly message?: string };
}

export async function collectGarbage(server: ServerProcess): Promise<void> {
  const address = () => /Debugger listening on (ws:\S+)/.exec(server.stderr)?.[1];
  await until('the inspector listens', () => address() !== undefined);
  const socket = new WebSocket(address()!);
  await once(socket, 'open');
  const waiting = new Set<string>(['main']);
  let wake = (): void => undefined;
  const done = (thread: string): void => {
    waiting.delete(thread);
    wake();
  };
  socket.on('message', (data: Buffer) => {
    const { id, method, params } = JSON.parse(data.toString('utf8')) as Said;
    const { sessionId = '' } = params ?? {};
    if (id === 1) done('main');
    if (method === 'NodeWorker.receivedMessageFromWorker') done(sessionId);
    if (method !== 'NodeWorker.attachedToWorker') return;
    waiting.add(sessionId);
    const message = JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' });
    say(socket, 3, 'NodeWorker.sendMessageToWorker', { sessionId, message });
  });
  say(socket, 2, 'NodeWorker.enable', { waitForDebuggerOnStart: false });
  say(socket, 1, 'HeapProfiler.collectGarbage', {});
  const late = new Promise<void>((resolve) => setTimeout(resolve, ANSWER_MS_MAX).unref());
  let isLate = false;
  void late.then(() => {
    isLate = true;
    wake();
  });
  while (waiting.size > 0 && !isLate) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  assert.ok(!waiting.has('main'), 'the main thread did not collect its garbage');
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}

function say(socket: WebSocket, id: number, method: string, params: object): void {
  socket.send(JSON.stringify({ id, method, params }));
}
