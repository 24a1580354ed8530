// A client that speaks bytes: what an HTTP library would hide or repair is exactly what these tests are about.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';

export const DEADLINE_MS = 5000;

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export class RawClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #reset = false;
  readonly #watchers = new Set<() => void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#notify();
    });
    const end = (): void => {
      this.#ended = true;
      this.#notify();
    };
    socket.on('end', end);
    socket.on('close', end);
    // A reset is one of the ways in which a connection ends.
    socket.on('error', () => {
      this.#reset = true;
      end();
    });
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host, noDelay: true });
    const client = new RawClient(socket);
    await client.until('connected', () => !socket.connecting);
    return client;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The connection broke, rather than being closed by either side in good order. */
  get reset(): boolean {
    return this.#reset;
  }

  get text(): string {
    return this.#received.toString('latin1');
  }

  /** Each character is one byte. */
  send(text: string): this {
    this.#socket.write(text, 'latin1');
    return this;
  }

  /** Resolves when the bytes sent so far have been given to the kernel. */
  flushed(): Promise<void> {
    return new Promise((resolve) => this.#socket.write('', () => resolve()));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says that nothing more will be sent. */
  finish(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The next answer. `bodiless` for the answer to a HEAD. */
  async answer(bodiless = false): Promise<RawAnswer> {
    let parsed: { answer: RawAnswer; bytes: number } | undefined;
    await this.until('an answer', () => {
      parsed = parseAnswer(this.#received, bodiless);
      return parsed !== undefined || this.#ended;
    });
    assert.ok(parsed !== undefined, `the connection ended without a whole answer; it said: ${this.text.slice(0, 300)}`);
    this.#received = this.#received.subarray(parsed.bytes);
    return parsed.answer;
  }

  end(): Promise<void> {
    return this.until('the end of the connection', () => this.#ended);
  }

  until(what: string, condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(deadline);
        this.#watchers.delete(check);
        this.#socket.off('connect', check);
        resolve();
      };
      const deadline = setTimeout(() => {
        this.#watchers.delete(check);
        reject(new Error(`no ${what} within ${DEADLINE_MS} ms; received: ${this.text.slice(0, 300)}`));
      }, DEADLINE_MS);
      this.#watchers.add(check);
      this.#socket.on('connect', check);
      check();
    });
  }

  #notify(): void {
    for (const check of [...this.#watchers]) check();
  }
}

function parseAnswer(bytes: Buffer, bodiless: boolean): { answer: RawAnswer; bytes: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine, ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number((statusLine as string).split(' ')[1]);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const bodyAt = headEnd + 4;
  const length = bodiless || status < 200 ? 0 : Number(headers.get('content-length') ?? 0);
  if (bytes.length < bodyAt + length) return undefined;
  const body = bytes.toString('utf8', bodyAt, bodyAt + length);
  return { answer: { status, headers, body }, bytes: bodyAt + length };
}

/** Resolves when `condition` holds; rejects after the deadline. */
export async function eventually(what: string, condition: () => boolean, deadlineMs = DEADLINE_MS): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
