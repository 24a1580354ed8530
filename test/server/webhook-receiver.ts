// Webhook receiver
//
// A real server that messages are pushed to: it keeps what came, and answers as the test says.
//
// Owns:     its socket, what came.
// Does not: judge it (receivedBody does, for a signature).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What a receiver is pushed. */
export interface PushedBody {
  readonly message_id: string;
  readonly from: string;
  readonly to: string;
  readonly content: string;
  readonly timestamp: string;
}

/** A status, or what is done with the answer; undefined: nothing is ever answered. */
export type Behaviour = (received: Received) => number | undefined | ((response: ServerResponse) => void);

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export class WebhookReceiver {
  readonly received: Received[] = [];
  /** How it answers from now on. */
  behaviour: Behaviour;
  /** Requests under way at this moment, and the most that there ever were. */
  underWay = 0;
  underWayMost = 0;
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(behaviour: Behaviour, certificate: Certificate | undefined) {
    this.behaviour = behaviour;
    const listen = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    this.#server = certificate === undefined ? createServer(listen) : createTlsServer(certificate, listen);
    this.#scheme = certificate === undefined ? 'http' : 'https';
  }

  static async start(behaviour: Behaviour = () => 204, certificate?: Certificate, port = 0): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(behaviour, certificate);
    receiver.#server.listen(port, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/hook', host = '127.0.0.1'): string {
    return `${this.#scheme}://${host}:${this.port}${path}`;
  }

  /** The bodies that came to a path, in order. */
  bodies(path = '/hook'): PushedBody[] {
    return this.received.filter((one) => one.path === path).map(({ text }) => JSON.parse(text) as PushedBody);
  }

  contents(path = '/hook'): string[] {
    return this.bodies(path).map(({ content }) => content);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.underWay++;
    this.underWayMost = Math.max(this.underWayMost, this.underWay);
    response.once('close', () => this.underWay--);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The sender has left in the middle: nothing came.
      return;
    }
    const one = { path: request.url ?? '', headers: request.headers, text: Buffer.concat(chunks).toString('utf8') };
    this.received.push(one);
    const answer = this.behaviour(one);
    if (typeof answer === 'function') answer(response);
    else if (answer !== undefined) response.writeHead(answer).end();
  }
}

/** The body, when its signature is good; fails otherwise. */
export function verified({ headers, text }: Received, secret: string): PushedBody {
  return new Webhook(secret).verify(text, headers as Record<string, string>) as PushedBody;
}

/** Whether the signature is another's. */
export function isForged(received: Received, secret: string): boolean {
  assert.ok(received.headers['webhook-signature'], 'it is signed');
  try {
    verified(received, secret);
    return false;
  } catch {
    return true;
  }
}
