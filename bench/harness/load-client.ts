// Load client
//
// Keep-alive HTTP/1.1 connections on raw sockets, one request under way on each: it sends, waits for the whole answer,
// and sends the next. Far cheaper than a general client, so that the server is what is measured.
//
// L1. A request is counted as accepted when its answer is whole and 2xx; others by their status.
// L2. After the budget nothing is sent, and every answer that is due is awaited. A connection that ends early fails the
//     run: with it nobody knows what was accepted.

import { connect, type Socket } from 'node:net';
import { LatencyRecorder, type LatencySummary } from './latency.js';

export interface LoadRequest {
  readonly head: string;
  readonly body: string;
}

/** In a head or body, replaced by a number of the same width that no other request of the run carries. */
export const COUNTER_PLACE = '000000000000';

export interface LoadPlan {
  readonly port: number;
  readonly connections: number;
  readonly budgetMs: number;
  /** Taken in turn; each connection begins at another. */
  readonly requests: readonly LoadRequest[];
  /** The first number put in COUNTER_PLACE. */
  readonly counterFrom: number;
}

export interface LoadResult {
  readonly accepted: number;
  /** How many were answered with each status that is not 2xx. */
  readonly refused: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  /** One past the last number put in COUNTER_PLACE. */
  readonly counterTo: number;
  readonly latency: LatencySummary;
}

/** Longest wait for an answer, past which the run fails. */
const ANSWER_TIMEOUT_MS = 30_000;

/** A request line and headers, complete but for Content-Length, which is put in when there is a body. */
export function loadRequest(method: string, path: string, token: string, body: object | null): LoadRequest {
  const text = body === null ? '' : JSON.stringify(body);
  const entity =
    body === null ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n${entity}\r\n`;
  return { head, body: text };
}

interface Template {
  readonly bytes: Buffer;
  readonly counterAt: number;
}

export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const run = new LoadRun(plan);
  return await run.done;
}

class LoadRun {
  readonly done: Promise<LoadResult>;
  readonly #templates: readonly Template[];
  readonly #latency = new LatencyRecorder();
  readonly #refused: Record<string, number> = {};
  readonly #stride: number;
  #counter: number;
  #accepted = 0;
  #deadline = 0;

  constructor(plan: LoadPlan) {
    this.#templates = plan.requests.map(({ head, body }) => {
      const text = head + body;
      return { bytes: Buffer.from(text), counterAt: Buffer.from(text).indexOf(COUNTER_PLACE) };
    });
    this.#counter = plan.counterFrom;
    this.#stride = Math.max(1, Math.floor(plan.requests.length / plan.connections));
    this.done = this.#run(plan);
  }

  async #run(plan: LoadPlan): Promise<LoadResult> {
    const sockets = await Promise.all(Array.from({ length: plan.connections }, () => openSocket(plan.port)));
    const startedAt = performance.now();
    this.#deadline = startedAt + plan.budgetMs;
    const timeoutMs = plan.budgetMs + ANSWER_TIMEOUT_MS;
    const watchdog = setTimeout(() => {
      for (const socket of sockets) socket.destroy(new Error(`No answer within ${ANSWER_TIMEOUT_MS} ms`));
    }, timeoutMs);
    try {
      await Promise.all(sockets.map((socket, index) => this.#drive(socket, index * this.#stride)));
    } finally {
      clearTimeout(watchdog);
      for (const socket of sockets) socket.destroy();
    }
    return {
      accepted: this.#accepted,
      refused: this.#refused,
      elapsedMs: performance.now() - startedAt,
      counterTo: this.#counter,
      latency: this.#latency.summary(),
    };
  }

  #drive(socket: Socket, firstTemplate: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const reader = new AnswerReader();
      let turn = firstTemplate;
      let sentAt = 0;
      const send = (): void => {
        sentAt = performance.now();
        if (sentAt >= this.#deadline) {
          socket.removeAllListeners('close');
          resolve();
          return;
        }
        socket.write(this.#request(this.#templates[turn++ % this.#templates.length]!));
      };
      socket.on('data', (chunk) => {
        const status = reader.push(chunk);
        if (status === null) return;
        this.#latency.record(performance.now() - sentAt);
        if (status >= 200 && status < 300) this.#accepted++;
        else this.#refused[status] = (this.#refused[status] ?? 0) + 1;
        send();
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('The server closed a connection with a request on it')));
      send();
    });
  }

  #request(template: Template): Buffer {
    if (template.counterAt < 0) return template.bytes;
    const bytes = Buffer.from(template.bytes);
    bytes.write(String(this.#counter++).padStart(COUNTER_PLACE.length, '0'), template.counterAt, 'latin1');
    return bytes;
  }
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.removeAllListeners('error');
  return socket;
}

/** Reads answers that carry a Content-Length, one at a time. */
export class AnswerReader {
  #head = '';
  #status = 0;
  #bodyBytesLeft = 0;
  #inBody = false;
  #closes = false;

  /** The server said of the last answer that it ends the connection. */
  get closes(): boolean {
    return this.#closes;
  }

  /** The status once the answer is whole; null while it is not. Throws on an answer that it cannot read. */
  push(chunk: Buffer): number | null {
    let bodyStart = 0;
    if (!this.#inBody) {
      const before = this.#head.length;
      this.#head += chunk.toString('latin1');
      const headEnd = this.#head.indexOf('\r\n\r\n');
      if (headEnd < 0) return null;
      bodyStart = headEnd + 4 - before;
      this.#readHead(this.#head.slice(0, headEnd + 2));
    }
    this.#bodyBytesLeft -= chunk.length - bodyStart;
    if (this.#bodyBytesLeft > 0) return null;
    if (this.#bodyBytesLeft < 0) throw new Error('An answer was longer than its Content-Length');
    this.#inBody = false;
    this.#head = '';
    return this.#status;
  }

  #readHead(head: string): void {
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
    if (length === null) throw new Error(`An answer had no Content-Length: ${head}`);
    this.#bodyBytesLeft = Number(length[1]);
    this.#closes = /\r\nconnection: *close\r\n/i.test(head);
    this.#inBody = true;
  }
}
