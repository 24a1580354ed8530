// Burst load
//
// Many requests at the same instant, each on a connection of its own.
//
// BL1. Every connection is open before the first request is sent.
// BL2. Each answer must be 200 and hold the text that its request expects; anything else fails the burst.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { AnswerReader, type LoadRequest } from './load-client.js';

export interface BurstRequest extends LoadRequest {
  /** Stands in the body of the right answer, and of no other request's. */
  readonly expected: string;
}

/** Connections that are opened at the same time: fewer than any listener lets wait to be accepted. */
const OPENING_MAX = 64;
/** Longest wait for an answer, past which the burst fails. */
const ANSWER_TIMEOUT_MS = 30_000;

export class Burst {
  readonly #requests: readonly BurstRequest[];
  readonly #sockets: Socket[] = [];

  private constructor(requests: readonly BurstRequest[]) {
    this.#requests = requests;
  }

  static async open(port: number, requests: readonly BurstRequest[]): Promise<Burst> {
    const burst = new Burst(requests);
    while (burst.#sockets.length < requests.length) {
      const count = Math.min(OPENING_MAX, requests.length - burst.#sockets.length);
      const opening = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
      burst.#sockets.push(...opening);
      await Promise.all(opening.map((socket) => once(socket, 'connect')));
    }
    return burst;
  }

  /** Sends all; resolves with the milliseconds until the last answer was whole. Once. */
  async send(): Promise<number> {
    const startedAt = performance.now();
    const watchdog = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy(new Error(`No answer within ${ANSWER_TIMEOUT_MS} ms`));
    }, ANSWER_TIMEOUT_MS);
    try {
      await Promise.all(this.#requests.map((request, place) => answered(this.#sockets[place]!, request)));
      return performance.now() - startedAt;
    } finally {
      clearTimeout(watchdog);
      for (const socket of this.#sockets) socket.destroy();
    }
  }
}

function answered(socket: Socket, { head, body, expected }: BurstRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader();
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const status = reader.push(chunk);
      if (status === null) return;
      if (status === 200 && text.includes(expected)) resolve();
      else reject(new Error(`A request of the burst was answered ${text.slice(0, 400)}`));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The server closed a connection with a request on it')));
    socket.write(head + body);
  });
}
