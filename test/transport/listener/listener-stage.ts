// What every test of the suite stands on: a listener on a free port, its defects, and clients that are cleaned up.

import { after, afterEach } from 'node:test';
import type {
  HttpExchange,
  Listener,
  ListenerOptions,
  RequestHandler,
} from '../../../src/transport/listener/listener.js';
import type { ResponseHeaders } from '../../../src/transport/listener/request-head.js';
import { RawClient } from './raw-client.js';

export interface Subject {
  readonly name: 'uws' | 'node';
  open(options: ListenerOptions, handler: RequestHandler): Promise<Listener>;
}

export const BODY_BYTES_MAX = 100_000;
export const TEXT: ResponseHeaders = [['content-type', 'text/plain']];
export const HOST = 'Host: x\r\n';

const defaults: ListenerOptions = {
  host: '127.0.0.1',
  port: 0,
  bodyBytesMax: BODY_BYTES_MAX,
  bodyTimeoutMs: 5000,
  headTimeoutMs: 5000,
  idleTimeoutMs: 5000,
  connectionsMax: 1000,
  onDefect: () => undefined,
};

export class Stage {
  readonly #subject: Subject;
  readonly #listeners: Listener[] = [];
  readonly #clients: RawClient[] = [];

  constructor(subject: Subject) {
    this.#subject = subject;
    const clear = (): void => {
      for (const client of this.#clients.splice(0)) client.destroy();
      for (const listener of this.#listeners.splice(0)) listener.close();
    };
    afterEach(clear);
    after(clear);
  }

  async listen(handler: RequestHandler, options: Partial<ListenerOptions> = {}): Promise<Running> {
    const defects: unknown[] = [];
    const onDefect = (error: unknown): void => {
      defects.push(error);
    };
    const listener = await this.make({ onDefect, ...options }, handler);
    const { port } = await listener.listen();
    const connect = async (host?: string): Promise<RawClient> => {
      const client = await RawClient.connect(port, host);
      this.#clients.push(client);
      return client;
    };
    return { listener, port, defects, connect };
  }

  async make(options: Partial<ListenerOptions>, handler: RequestHandler): Promise<Listener> {
    const listener = await this.#subject.open({ ...defaults, ...options }, handler);
    this.#listeners.push(listener);
    return listener;
  }
}

export interface Running {
  readonly listener: Listener;
  readonly port: number;
  readonly defects: unknown[];
  connect(host?: string): Promise<RawClient>;
}

/** Answers with what it was asked. */
export function echoHead(exchange: HttpExchange): void {
  exchange.respond(200, TEXT, JSON.stringify(exchange.head));
}

/** Answers with the outcome of the body: its length, or its kind in a 413. */
export function measureBody(exchange: HttpExchange): void {
  exchange.readBody((outcome) => {
    if (outcome.kind === 'body') exchange.respond(200, TEXT, `${exchange.head.path} ${outcome.bytes.length}`);
    else exchange.respond(413, TEXT, outcome.kind);
  });
}
