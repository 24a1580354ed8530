// Event watcher
//
// A client of the stream of events by the library: every message as it came, and the end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { STREAM_PATH } from '../../src/contract/observe.js';
import { until } from './expectations.js';
import type { Answer } from './troupe-api.js';

export interface SeenEvent {
  readonly seq: number;
  readonly ts: string;
  readonly type: string;
  readonly agent: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface WatchOptions {
  /** Without its question mark. */
  readonly query?: string;
  readonly token?: string;
}

export class EventWatcher {
  readonly socket: WebSocket;
  readonly events: SeenEvent[] = [];
  /** What came that is no event: its end. */
  readonly others: Readonly<Record<string, unknown>>[] = [];
  closing: { readonly code: number; readonly reason: string } | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      assert.equal(isBinary, false);
      const message = JSON.parse(data.toString('utf8')) as Record<string, unknown>;
      if (typeof message.seq === 'number') this.events.push(message as unknown as SeenEvent);
      else this.others.push(message);
    });
    // Told by `closing`, with 1006.
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => {
      this.closing = { code, reason: reason.toString('utf8') };
    });
  }

  static async open(port: number, options: WatchOptions = {}): Promise<EventWatcher> {
    const watcher = new EventWatcher(connect(port, options));
    await once(watcher.socket, 'open');
    return watcher;
  }

  /** What an upgrade that must be refused is answered. */
  static refused(port: number, options: WatchOptions = {}): Promise<Answer> {
    const socket = connect(port, options);
    return new Promise((resolve, reject) => {
      socket.on('open', () => reject(new Error('the upgrade was accepted')));
      socket.on('error', reject);
      socket.on('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
    });
  }

  get seqs(): readonly number[] {
    return this.events.map(({ seq }) => seq);
  }

  async sees(seq: number): Promise<void> {
    await until(`event ${seq} is seen`, () => {
      assert.equal(this.closing, undefined, `closed with ${this.closing?.code}`);
      return (this.events.at(-1)?.seq ?? 0) >= seq;
    });
  }

  async closes(): Promise<{ readonly code: number; readonly reason: string }> {
    await until('the stream ends', () => this.closing !== undefined);
    return this.closing!;
  }

  /** Says goodbye, and waits until it is answered. */
  async close(): Promise<void> {
    this.socket.close();
    await this.closes();
  }
}

function connect(port: number, { query = '', token }: WatchOptions): WebSocket {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new WebSocket(`ws://127.0.0.1:${port}${STREAM_PATH}?${query}`, { headers, perMessageDeflate: false });
}
