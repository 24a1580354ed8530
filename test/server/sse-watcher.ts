// SSE watcher
//
// A client of the events as server-sent events: parsed as a browser does it, with every id and every end.

import assert from 'node:assert/strict';
import { type IncomingMessage, request } from 'node:http';
import { SSE_PATH } from '../../src/contract/observe.js';
import type { SeenEvent } from './event-watcher.js';
import { until } from './expectations.js';
import type { Answer } from './troupe-api.js';

export interface SseOptions {
  /** Without its question mark. */
  readonly query?: string;
  readonly token?: string;
  readonly lastEventId?: string;
}

export class SseWatcher {
  readonly answer: IncomingMessage;
  readonly events: SeenEvent[] = [];
  /** Of types other than `message`. */
  readonly others: { readonly event: string; readonly data: unknown }[] = [];
  /** What a browser would say when it came again. */
  lastEventId = '';
  comments = 0;
  /** Whole: the answer was ended in good order. */
  end: 'whole' | 'cut' | undefined;
  #rest = '';

  private constructor(answer: IncomingMessage) {
    this.answer = answer;
    answer.setEncoding('utf8');
    answer.on('data', (text: string) => this.#read(text));
    answer.on('error', () => undefined);
    answer.on('close', () => {
      this.end = answer.complete ? 'whole' : 'cut';
    });
  }

  static async open(port: number, options: SseOptions = {}): Promise<SseWatcher> {
    const answer = await ask(port, options);
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['content-type'], 'text/event-stream');
    return new SseWatcher(answer);
  }

  static async refused(port: number, options: SseOptions = {}): Promise<Answer> {
    const answer = await ask(port, options);
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8') };
  }

  get seqs(): readonly number[] {
    return this.events.map(({ seq }) => seq);
  }

  async sees(seq: number): Promise<void> {
    await until(`event ${seq} is seen`, () => {
      assert.equal(this.end, undefined, `ended: ${JSON.stringify(this.others)}`);
      return (this.events.at(-1)?.seq ?? 0) >= seq;
    });
  }

  async ends(): Promise<void> {
    await until('the stream ends', () => this.end !== undefined);
  }

  async close(): Promise<void> {
    this.answer.destroy();
    await this.ends();
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop()!;
    for (const block of blocks) this.#take(block);
  }

  #take(block: string): void {
    let event = 'message';
    let data: string | undefined;
    for (const line of block.split('\n')) {
      if (line === ':') this.comments += 1;
      else if (line.startsWith('id: ')) this.lastEventId = line.slice(4);
      else if (line.startsWith('event: ')) event = line.slice(7);
      else if (line.startsWith('data: ')) data = line.slice(6);
      else assert.equal(line, 'retry: 1000');
    }
    if (data === undefined) return;
    const value: unknown = JSON.parse(data);
    if (event !== 'message') {
      this.others.push({ event, data: value });
      return;
    }
    const seen = value as SeenEvent;
    assert.equal(this.lastEventId, String(seen.seq), 'the id of an event is its seq');
    this.events.push(seen);
  }
}

function ask(port: number, { query = '', token, lastEventId }: SseOptions): Promise<IncomingMessage> {
  const headers = {
    accept: 'text/event-stream',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: `${SSE_PATH}?${query}`, headers, agent: false }, resolve);
    asked.on('error', reject);
    asked.end();
  });
}
