// Raw listener
//
// The floor of every HTTP bench: a listener that parses the JSON of the body, if there is one, and answers the same
// bytes each time, with no thread, no actor and no disk behind it. On uWebSockets.js where that loads, otherwise on
// node:http; the answer to the order says which.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveOrders } from '../harness/child.js';

export interface RawAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface RawListenerReady {
  readonly port: number;
  readonly adapter: 'uws' | 'node';
}

type Library = typeof import('uWebSockets.js');

async function loadLibrary(): Promise<Library | null> {
  try {
    const loaded: Library & { readonly default?: Library } = await import('uWebSockets.js');
    const library = loaded.default ?? loaded;
    // Without this the library names itself in every answer, which the subject does not.
    (library as unknown as { _cfg(key: string): void })._cfg('silent');
    return library;
  } catch {
    return null;
  }
}

function listenUws(library: Library, answer: RawAnswer): Promise<RawListenerReady> {
  const status = String(answer.status);
  const app = library.App();
  app.any('/*', (response, request) => {
    const respond = (): void => {
      response.cork(() => {
        response.writeStatus(status);
        for (const [name, value] of answer.headers) response.writeHeader(name, value);
        response.end(answer.body);
      });
    };
    response.onAborted(() => undefined);
    if (request.getMethod() === 'get') {
      respond();
      return;
    }
    let text = '';
    response.onData((chunk, isLast) => {
      text += Buffer.from(chunk).toString('utf8');
      if (!isLast) return;
      JSON.parse(text);
      respond();
    });
  });
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', 0, (socket) => {
      if (socket === false) reject(new Error('The raw listener found no free port'));
      else resolve({ port: library.us_socket_local_port(socket), adapter: 'uws' });
    });
  });
}

function listenNode(answer: RawAnswer): Promise<RawListenerReady> {
  const length = String(Buffer.byteLength(answer.body));
  const headers = Object.fromEntries([...answer.headers, ['content-length', length] as const]);
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      if (text !== '') JSON.parse(text);
      response.writeHead(answer.status, headers).end(answer.body);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port, adapter: 'node' }));
  });
}

serveOrders<RawAnswer, RawListenerReady>(async (answer) => {
  const library = await loadLibrary();
  return library === null ? await listenNode(answer) : await listenUws(library, answer);
});
