// Trace receiver
//
// An OTLP/HTTP endpoint that keeps what it is sent, and misbehaves when it is told to.

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code: number };
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: ReceivedSpan['attributes'] };
    readonly scopeSpans: readonly { readonly spans: readonly ReceivedSpan[] }[];
  }[];
}

/** well: takes them. mute: takes the request, and never answers. refuse: 500. cut: ends the connection. */
export type Manners = 'well' | 'mute' | 'refuse' | 'cut';

export class TraceReceiver {
  manners: Manners;
  readonly spans: ReceivedSpan[] = [];
  readonly services = new Set<unknown>();
  requests = 0;
  text = '';
  readonly #server: Server;

  private constructor(manners: Manners) {
    this.manners = manners;
    this.#server = createServer((request, response) => {
      this.requests++;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#answer(Buffer.concat(chunks).toString('utf8'), response));
    });
  }

  static async start(manners: Manners = 'well'): Promise<TraceReceiver> {
    const receiver = new TraceReceiver(manners);
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(text: string, response: ServerResponse): void {
    switch (this.manners) {
      case 'well':
        this.#keep(text);
        response.setHeader('content-type', 'application/json').end('{}');
        break;
      case 'refuse':
        response.writeHead(500).end('no');
        break;
      case 'cut':
        response.destroy();
        break;
      case 'mute':
        break;
      default:
        this.manners satisfies never;
    }
  }

  #keep(text: string): void {
    this.text += text;
    for (const { resource, scopeSpans } of (JSON.parse(text) as Export).resourceSpans) {
      this.services.add(resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue);
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
  }
}
