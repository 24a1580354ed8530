// Provider double
//
// A server of the test's own that speaks the protocol of OpenAI, and does with each call what the test says: answers well, late, wrongly, with
// too much, or not at all.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../../src/actors/subject/records.js';

export interface Call {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: JsonObject;
}

/** Answers one call; what it throws ends the test's server with the call open. */
export type Behaviour = (response: ServerResponse, call: Call, place: number) => void | Promise<void>;

export interface ProviderDouble {
  readonly baseUrl: string;
  readonly calls: readonly Call[];
  /** The most that were open at once. */
  readonly openMost: number;
  close(): Promise<void>;
}

export async function startProviderDouble(behave: Behaviour): Promise<ProviderDouble> {
  const calls: Call[] = [];
  let open = 0;
  let openMost = 0;
  const server = createServer((request, response) => {
    openMost = Math.max(openMost, ++open);
    response.on('close', () => open--);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as JsonObject;
      const call = { path: request.url!, headers: request.headers, body };
      calls.push(call);
      void behave(response, call, calls.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    get openMost() {
      return openMost;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve, reject) =>
        server.close((error) => (error === undefined ? resolve() : reject(error))),
      );
    },
  };
}

export function answerJson(
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

/** A chat completion that says `content`. */
export function say(response: ServerResponse, content: string): void {
  answerJson(response, { choices: [{ index: 0, message: { role: 'assistant', content } }] });
}

export interface ShownEpisode {
  readonly id: string;
  readonly date: string;
  readonly text: string;
}

/** The episodes that a call shows. */
export function shownIn(call: Call): readonly ShownEpisode[] {
  const messages = call.body.messages as unknown as readonly { readonly content: string }[];
  return (JSON.parse(messages.at(-1)!.content) as { readonly episodes: readonly ShownEpisode[] }).episodes;
}
