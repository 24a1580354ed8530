// What the tests of WebSockets stand on: a listener whose sockets are witnessed, sane clients, and bytes for the others.

import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Listener, ListenerOptions, RequestHandler } from '../../../src/transport/listener/listener.js';
import type { Socket, SocketHandler, UpgradeExchange, UpgradeHandler } from '../../../src/transport/listener/socket.js';
import type { Running, Stage } from './listener-stage.js';
import { DEADLINE_MS, eventually, type RawClient } from './raw-client.js';

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** Header lines of a sound handshake, by which a test changes one. */
export function upgradeRequest(
  changes: Readonly<Record<string, string | undefined>> = {},
  first = 'GET / HTTP/1.1',
): string {
  const headers = {
    Host: 'x',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': KEY,
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `${[first, ...lines].join('\r\n')}\r\n\r\n`;
}

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export interface FrameShape {
  readonly opcode?: number;
  readonly isLast?: boolean;
  readonly isMasked?: boolean;
  /** The three reserved bits, as they stand in the first byte. */
  readonly reserved?: number;
}

const MASK = Buffer.from([0x12, 0xf4, 0x56, 0x98]);

/** One frame of a client, each character one byte, as RawClient sends it. */
export function frame(payload: string | Uint8Array, shape: FrameShape = {}): string {
  const { opcode = TEXT, isLast = true, isMasked = true, reserved = 0 } = shape;
  const bytes = Buffer.from(payload as string);
  const head = [(isLast ? 0x80 : 0) | reserved | opcode];
  const maskBit = isMasked ? 0x80 : 0;
  if (bytes.length < 126) head.push(maskBit | bytes.length);
  else if (bytes.length < 65_536) head.push(maskBit | 126, bytes.length >> 8, bytes.length & 255);
  else head.push(maskBit | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (bytes.length >> shift) & 255));
  if (isMasked) for (let i = 0; i < bytes.length; i += 1) bytes[i] = (bytes[i] as number) ^ (MASK[i & 3] as number);
  return Buffer.concat([Buffer.from(head), isMasked ? MASK : Buffer.alloc(0), bytes]).toString('latin1');
}

/** A close frame's payload. */
export function closing(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
}

export interface HeardFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The whole frames that a raw client has received behind the answer to its handshake; short ones, as servers send. */
export function framesOf(client: RawClient): HeardFrame[] {
  const bytes = Buffer.from(client.text, 'latin1');
  const frames: HeardFrame[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = (bytes[at + 1] as number) & 127;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short;
    const from = at + (short === 126 ? 4 : 2);
    if (from + length > bytes.length) break;
    frames.push({ opcode: (bytes[at] as number) & 15, payload: bytes.subarray(from, from + length) });
    at = from + length;
  }
  return frames;
}

/** Sees every call of one socket, and does what the test wants done in it. */
export class Witness implements SocketHandler {
  readonly calls: string[] = [];
  readonly frames: { readonly bytes: Buffer; readonly isBinary: boolean }[] = [];
  readonly #react: Partial<SocketHandler>;
  #socket: Socket | undefined;

  constructor(react: Partial<SocketHandler> = {}) {
    this.#react = react;
  }

  get socket(): Socket {
    if (this.#socket === undefined) throw new Error('it was not opened');
    return this.#socket;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined && !this.isClosed;
  }

  get isClosed(): boolean {
    return this.calls.some((call) => call.startsWith('closed'));
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    this.calls.push('opened');
    this.#react.opened?.(socket);
  }

  data(socket: Socket, bytes: Uint8Array, isBinary: boolean): void {
    this.calls.push('data');
    this.frames.push({ bytes: Buffer.from(bytes), isBinary });
    this.#react.data?.(socket, bytes, isBinary);
  }

  drained(socket: Socket): void {
    this.calls.push('drained');
    this.#react.drained?.(socket);
  }

  closed(socket: Socket, code: number): void {
    this.calls.push(`closed ${code}`);
    this.#react.closed?.(socket, code);
  }
}

export const echo: Partial<SocketHandler> = {
  data: (socket, bytes, isBinary) => {
    socket.send(isBinary ? bytes : Buffer.from(bytes).toString());
  },
};

export interface Served extends Running {
  /** One for each accepted socket, in order. */
  readonly witnesses: readonly Witness[];
  /** An open client of the `ws` package. */
  client(): Promise<WebSocket>;
  /** A raw client whose handshake was accepted. */
  raw(): Promise<RawClient>;
}

export interface ServeParts {
  readonly options?: Partial<ListenerOptions>;
  readonly react?: Partial<SocketHandler>;
  readonly request?: RequestHandler;
}

/** A listener that accepts every upgrade. */
export async function serve(stage: Stage, parts: ServeParts = {}): Promise<Served> {
  const witnesses: Witness[] = [];
  const onUpgrade = (exchange: UpgradeExchange): void => {
    const witness = new Witness(parts.react ?? echo);
    witnesses.push(witness);
    exchange.accept(undefined, witness);
  };
  const running = await serveUpgrades(stage, onUpgrade, parts);
  return {
    ...running,
    witnesses,
    async client() {
      const client = new WebSocket(`ws://127.0.0.1:${running.port}/`, { perMessageDeflate: true });
      client.on('error', () => undefined);
      await once(client, 'open');
      return client;
    },
    async raw() {
      const client = await running.connect();
      const { status } = await client.send(upgradeRequest()).answer();
      if (status !== 101) throw new Error(`the handshake was answered with ${status}`);
      return client;
    },
  };
}

export function serveUpgrades(stage: Stage, onUpgrade: UpgradeHandler, parts: ServeParts = {}): Promise<Running> {
  const request: RequestHandler = parts.request ?? ((exchange) => exchange.respond(200, [], 'a request'));
  return stage.listen(request, { onUpgrade, ...parts.options });
}

/** Options for once(): what does not come is an error, not a hang. */
export function withinDeadline(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(DEADLINE_MS) };
}

/** The next message of a client, as text. */
export async function message(client: WebSocket): Promise<string> {
  const [data] = (await once(client, 'message', withinDeadline())) as [Buffer];
  return data.toString();
}

/** The code that a client saw at the end. */
export async function codeOf(client: WebSocket): Promise<number> {
  const [code] = (await once(client, 'close', withinDeadline())) as [number];
  return code;
}

export async function nobodyLeft(listener: Listener): Promise<void> {
  await eventually('no socket and no connection is left', () => listener.sockets === 0 && listener.connections === 0);
}
