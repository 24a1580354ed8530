// Observers in a process of their own: so many streams of events, over WebSocket and as server-sent events in turn, of
// which the second half reads nothing.

import { type ClientRequest, request } from 'node:http';
import { WebSocket } from 'ws';
import { SSE_PATH, STREAM_PATH } from '../../src/contract/observe.js';
import { serveOrders } from '../harness/child.js';

export type ObserversOrder =
  | { readonly kind: 'open'; readonly port: number; readonly readers: number; readonly mute: number }
  | { readonly kind: 'close' };

export interface ObserversAnswer {
  /** What the readers have seen since the last order. */
  readonly bytes: number;
  /** Readers that the server has cut off. */
  readonly cutOff: number;
}

let bytes = 0;
let cutOff = 0;
let closers: (() => void)[] = [];

function openSocket(port: number, isMute: boolean): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${STREAM_PATH}`, { perMessageDeflate: false });
  let isOurs = false;
  closers.push(() => {
    isOurs = true;
    socket.terminate();
  });
  socket.on('message', (data: Buffer) => {
    bytes += data.length;
  });
  socket.on('close', () => {
    if (!isOurs && !isMute) cutOff++;
  });
  return new Promise((resolve, reject) => {
    socket.on('error', (error) => {
      if (!isOurs) reject(error);
    });
    socket.on('open', () => {
      if (isMute) socket.pause();
      resolve();
    });
  });
}

function openAnswer(port: number, isMute: boolean): Promise<void> {
  let isOurs = false;
  return new Promise((resolve, reject) => {
    const asked: ClientRequest = request({ host: '127.0.0.1', port, path: SSE_PATH, agent: false }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`a stream was answered ${answer.statusCode}`));
      answer.on('error', () => undefined);
      answer.on('close', () => {
        if (!isOurs && !isMute) cutOff++;
      });
      if (isMute) answer.pause();
      else
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
      resolve();
    });
    closers.push(() => {
      isOurs = true;
      asked.destroy();
    });
    asked.on('error', (error) => {
      if (!isOurs) reject(error);
    });
    asked.end();
  });
}

serveOrders<ObserversOrder, ObserversAnswer>(async (order) => {
  if (order.kind === 'open') {
    for (let i = 0; i < order.readers + order.mute; i++) {
      const isMute = i >= order.readers;
      await (i % 2 === 0 ? openSocket(order.port, isMute) : openAnswer(order.port, isMute));
    }
  } else {
    for (const close of closers) close();
    closers = [];
  }
  const answer = { bytes, cutOff };
  bytes = 0;
  cutOff = 0;
  return answer;
});
