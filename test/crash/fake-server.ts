// Fake server
//
// A small server that keeps the part of the kernel contract that the conversations use, or breaks one promise of it on
// demand, so that the crash engine and its checker can be seen to pass and to fail without the real one. One thread, one
// file: every accepted action is a line, written before it is answered, read again at the next start. A killed process
// loses nothing that it has written.
//
//   node fake-server.js serve --set http.port=0 --set data_dir=DIR --set fake.fault=none
//   node fake-server.js check DIR

import { randomBytes, randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** One promise to break. */
export type FakeFault =
  | 'none'
  /** 2xx first, the write some milliseconds later. */
  | 'acknowledge_first'
  /** One record in some is answered and never written. */
  | 'drop'
  | 'deliver_twice'
  | 'swap_order'
  | 'keep_old_value'
  | 'miscount'
  /** Runs a repeated request again. Its answers are slow, so that kills leave requests to be repeated. */
  | 'forget_idempotency';

const FAULT_ONE_IN = 50;
const SLOW_ANSWER_MS = 15;
const LATE_WRITE_MS = 8;

interface Message {
  readonly message_id: string;
  readonly from: string;
  readonly to: string;
  readonly content: string;
}

type Line =
  | { readonly kind: 'agent'; readonly address: string; readonly token: string }
  | { readonly kind: 'message'; readonly message: Message; readonly swap: boolean }
  | { readonly kind: 'gone'; readonly address: string; readonly ids: readonly string[] }
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly etag: string }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'answered'; readonly idempotencyKey: string; readonly status: number; readonly body: object };

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly etag?: string;
}

class FakeServer {
  readonly #file: string;
  readonly #fault: FakeFault;
  readonly #agents = new Map<string, string>();
  readonly #inboxes = new Map<string, Message[]>();
  readonly #leases = new Map<string, number>();
  readonly #state = new Map<string, { value: string; etag: string }>();
  readonly #answered = new Map<string, { status: number; body: object }>();
  #usedBytes = 0;
  #actions = 0;

  constructor(directory: string, fault: FakeFault) {
    this.#file = join(directory, 'lines');
    this.#fault = fault;
    if (!existsSync(this.#file)) return;
    // A line without its end is a write that a kill cut short: it was never answered, and goes.
    const bytes = readFileSync(this.#file);
    const wholeBytes = bytes.lastIndexOf('\n') + 1;
    if (wholeBytes < bytes.length) truncateSync(this.#file, wholeBytes);
    for (const text of bytes.subarray(0, wholeBytes).toString('utf8').split('\n')) {
      if (text !== '') for (const line of JSON.parse(text) as Line[]) this.#apply(line);
    }
  }

  answer(
    method: string,
    url: URL,
    token: string,
    idempotencyKey: string,
    request: IncomingMessage,
    body: Body,
  ): Answer {
    const known = this.#fault === 'forget_idempotency' ? undefined : this.#answered.get(idempotencyKey);
    if (known !== undefined) return known;
    const me = this.#agents.get(token) ?? '';
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const lines: Line[] = [];
    const answer = this.#route(`${method} ${parts[1]}`, { parts, me, url, request, body, lines });
    if (lines.length === 0) return answer;
    if (idempotencyKey !== '' && answer.status < 300) {
      lines.push({ kind: 'answered', idempotencyKey, status: answer.status, body: answer.body });
    }
    for (const line of lines) this.#apply(line);
    this.#write(lines);
    return answer;
  }

  #route(route: string, call: Call): Answer {
    switch (route) {
      case 'POST operators':
        return { status: 201, body: { operator_id: 'op', api_key: 'operator' } };
      case 'GET agents':
        return { status: 200, body: { challenge_id: randomUUID() } };
      case 'POST agents': {
        const agent = { address: `tab_${randomBytes(10).toString('hex')}`, token: randomUUID() };
        call.lines.push({ kind: 'agent', ...agent });
        return { status: 201, body: { agent_address: agent.address, agent_token: agent.token } };
      }
      case 'POST messages':
        return call.parts[2] === 'ack' ? this.#ack(call) : this.#send(call);
      case 'GET messages':
        return this.#take(call);
      case 'GET state':
        return this.#read(call);
      case 'PUT state':
        return this.#put(call);
      case 'DELETE state':
        if (!this.#state.has(call.parts[2]!)) return { status: 404, body: { error: 'not_found' } };
        call.lines.push({ kind: 'delete', key: call.parts[2]! });
        return { status: 200, body: {} };
      default:
        return { status: route === 'POST workers' ? 202 : 404, body: {} };
    }
  }

  #send({ me, body, lines }: Call): Answer {
    const message = { message_id: randomUUID(), from: me, to: body.to!, content: body.content! };
    lines.push({ kind: 'message', message, swap: this.#strikes('swap_order') });
    if (this.#strikes('deliver_twice')) lines.push({ kind: 'message', message, swap: false });
    return { status: 202, body: { message_id: message.message_id, from: me, to: message.to } };
  }

  #take({ me, url, lines }: Call): Answer {
    const inbox = this.#inboxes.get(me) ?? [];
    const now = Date.now();
    const free = inbox.filter(({ message_id }) => (this.#leases.get(message_id) ?? 0) <= now);
    const messages = free.slice(0, Number(url.searchParams.get('limit')));
    const ids = messages.map(({ message_id }) => message_id);
    if (url.searchParams.get('mode') === 'lease') {
      const until = now + Number(url.searchParams.get('lease_s')) * 1000;
      for (const id of ids) this.#leases.set(id, until);
    } else if (ids.length > 0) {
      lines.push({ kind: 'gone', address: me, ids });
    }
    return { status: 200, body: { messages, remaining: inbox.length - messages.length } };
  }

  #ack({ me, body, lines }: Call): Answer {
    const ids = body.message_ids!;
    const unknown = ids.filter((id) => !this.#leases.has(id));
    lines.push({ kind: 'gone', address: me, ids: ids.filter((id) => this.#leases.has(id)) });
    return { status: 200, body: { acked: ids.length - unknown.length, unknown } };
  }

  #read({ parts, url }: Call): Answer {
    const key = parts[2];
    if (key === undefined) {
      const after = url.searchParams.get('cursor') ?? '';
      const keys = [...this.#state.keys()].sort().filter((one) => one > after);
      const limit = Number(url.searchParams.get('limit'));
      const next_cursor = keys.length > limit ? keys[limit - 1] : null;
      return { status: 200, body: { keys: keys.slice(0, limit), next_cursor, total: this.#state.size } };
    }
    if (key === '_capacity') {
      return { status: 200, body: { used_bytes: this.#usedBytes, total_bytes: 1e9, key_count: this.#state.size } };
    }
    const entry = this.#state.get(key);
    if (entry === undefined) return { status: 404, body: { error: 'not_found' } };
    return { status: 200, body: { key, value: entry.value }, etag: `"${entry.etag}"` };
  }

  #put({ parts, request, body, lines }: Call): Answer {
    const key = parts[2]!;
    const entry = this.#state.get(key);
    const match = request.headers['if-match'];
    if (match !== undefined && match !== `"${entry?.etag}"`) return { status: 409, body: { error: 'conflict' } };
    if (request.headers['if-none-match'] === '*' && entry !== undefined) return { status: 409, body: {} };
    const value = this.#strikes('keep_old_value') ? (entry?.value ?? body.value!) : body.value!;
    lines.push({ kind: 'put', key, value, etag: randomUUID() });
    return { status: 200, body: { key } };
  }

  #apply(line: Line): void {
    switch (line.kind) {
      case 'agent':
        this.#agents.set(line.token, line.address);
        this.#inboxes.set(line.address, []);
        break;
      case 'message': {
        const inbox = this.#inboxes.get(line.message.to);
        inbox?.splice(line.swap ? Math.max(0, inbox.length - 2) : inbox.length, 0, line.message);
        break;
      }
      case 'gone': {
        const ids = new Set(line.ids);
        this.#inboxes.set(
          line.address,
          (this.#inboxes.get(line.address) ?? []).filter(({ message_id }) => !ids.has(message_id)),
        );
        for (const id of ids) this.#leases.delete(id);
        break;
      }
      case 'put':
        this.#count(line.key, -1);
        this.#state.set(line.key, { value: line.value, etag: line.etag });
        this.#count(line.key, 1);
        break;
      case 'delete':
        this.#count(line.key, -1);
        this.#state.delete(line.key);
        break;
      case 'answered':
        this.#answered.set(line.idempotencyKey, { status: line.status, body: line.body });
        break;
      default:
        line satisfies never;
    }
  }

  #count(key: string, sign: 1 | -1): void {
    const entry = this.#state.get(key);
    if (entry === undefined) return;
    const keyBytes = this.#fault === 'miscount' && sign === -1 ? 0 : Buffer.byteLength(key);
    this.#usedBytes += sign * (keyBytes + Buffer.byteLength(entry.value));
  }

  /** All lines of an action are one line of the file: they are there together or not at all. */
  #write(lines: readonly Line[]): void {
    if (this.#strikes('drop')) return;
    const text = `${JSON.stringify(lines)}\n`;
    if (this.#fault === 'acknowledge_first') setTimeout(() => appendFileSync(this.#file, text), LATE_WRITE_MS);
    else appendFileSync(this.#file, text);
  }

  /** Whether the fault, if it is the one chosen, strikes now: every FAULT_ONE_IN-th time that it could. */
  #strikes(fault: FakeFault): boolean {
    return this.#fault === fault && ++this.#actions % FAULT_ONE_IN === 0;
  }
}

interface Body {
  readonly to?: string;
  readonly content?: string;
  readonly value?: string;
  readonly message_ids?: readonly string[];
}

interface Call {
  readonly parts: readonly string[];
  readonly me: string;
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly body: Body;
  readonly lines: Line[];
}

function serve(settings: ReadonlyMap<string, string>): void {
  const fake = new FakeServer(settings.get('data_dir')!, settings.get('fake.fault') as FakeFault);
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      const url = new URL(request.url!, 'http://localhost');
      const token = (request.headers.authorization ?? '').slice('Bearer '.length);
      const idempotencyKey = String(request.headers['idempotency-key'] ?? '');
      const body = text === '' ? {} : (JSON.parse(text) as Body);
      const answer = fake.answer(request.method!, url, token, idempotencyKey, request, body);
      if (answer.etag !== undefined) response.setHeader('etag', answer.etag);
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      const end = (): unknown => response.end(JSON.stringify(answer.body));
      if (settings.get('fake.fault') === 'forget_idempotency') setTimeout(end, SLOW_ANSWER_MS);
      else end();
    });
  };
  const server = createServer(handle).listen(Number(settings.get('http.port')), '127.0.0.1', () => {
    console.log(`admin token ad_live_${'0'.repeat(64)}`);
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port} is ready`);
  });
  process.on('SIGTERM', () => process.exit(0));
}

const [command, ...rest] = process.argv.slice(2);
if (command === 'serve') {
  const pairs = rest.filter((word) => word !== '--set').map((pair) => pair.split('=') as [string, string]);
  serve(new Map(pairs));
}
