// Session proxy
//
// A network between clients and a server, on loopback, that treats connections badly and their bytes well.
//
// Owns:     the connections on both sides, and what happens to each.
// Does not: know what the bytes mean (session-agent.ts), or end the server (session-chaos.ts).
//
// X1. The bytes of one direction come out as they went in and in their order, perhaps in other pieces and later, up to where
//     the connection is cut; that may be anywhere, within a frame too.
// X2. A connection waits before it is let through, some long, some not at all: which one gets through first is not which
//     one came first.
// X3. The fate of a connection is made from the seed and its number. When each byte comes is up to the machine.
// X4. What waits here of a direction is one piece as it was read: its source is not read from meanwhile.
// X5. A cut may be told to both sides, or to the client alone: the server then has a connection on which nobody is, until
//     GHOST_MS_MAX is over.
// X6. calm() lets all that come from then on pass unharmed; those that were there before keep their fate.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../fuzz/random.js';

const HOLD_MS_MAX = 80;
const DELAY_MS_MAX = 12;
const STALL_MS_MAX = 400;
const GHOST_MS_MAX = 1_500;
const SLICE_BYTES_MAX = 90;
/** Of a connection; what comes behind them goes in one piece. */
const SLICES_MAX = 60;
/** Go in one piece: one of the listeners refuses a request whose first line comes in two (docs/listeners.md). */
const UNSLICED_BYTES = 64;
/** A handshake takes about this many: one cut in six strikes there. Behind it small and large are as likely. */
const HANDSHAKE_BYTES = 1_000;
const CUT_BYTES_MAX = 1 << 21;
const STALL_BYTES_MAX = 1 << 17;

interface Fate {
  readonly holdMs: number;
  readonly delayMs: number;
  readonly sliceBytes: number | undefined;
  /** Of both directions together. Infinity for a connection that lives until somebody else ends it. */
  readonly cutAtBytes: number;
  readonly cut: 'both' | 'client_only' | 'reset';
  readonly ghostMs: number;
  readonly stallAtBytes: number;
  readonly stallMs: number;
}

const CALM: Fate = {
  holdMs: 0,
  delayMs: 0,
  sliceBytes: undefined,
  cutAtBytes: Number.POSITIVE_INFINITY,
  cut: 'both',
  ghostMs: 0,
  stallAtBytes: Number.POSITIVE_INFINITY,
  stallMs: 0,
};

function fateOf(seed: number, connection: number): Fate {
  const random = new Random(seed, connection);
  const never = Number.POSITIVE_INFINITY;
  return {
    holdMs: random.oneIn(2) ? random.below(HOLD_MS_MAX) : 0,
    delayMs: random.oneIn(4) ? random.below(DELAY_MS_MAX) : 0,
    sliceBytes: random.oneIn(4) ? 1 + random.below(SLICE_BYTES_MAX) : undefined,
    cutAtBytes: random.oneIn(2) ? never : cutPlace(random),
    cut: random.pick(['both', 'client_only', 'reset']),
    ghostMs: random.below(GHOST_MS_MAX),
    stallAtBytes: random.oneIn(3) ? random.size(STALL_BYTES_MAX) : never,
    stallMs: random.below(STALL_MS_MAX),
  };
}

function cutPlace(random: Random): number {
  if (random.oneIn(6)) return random.below(HANDSHAKE_BYTES);
  return HANDSHAKE_BYTES + random.size(CUT_BYTES_MAX);
}

export interface ProxyFigures {
  /** Connections that reached the server. */
  readonly carried: number;
  readonly cut: number;
  readonly stalled: number;
  /** Let through before one that came earlier. */
  readonly overtook: number;
}

export class SessionProxy {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #seed: number;
  readonly #open = new Set<Socket>();
  readonly #figures = { carried: 0, cut: 0, stalled: 0, overtook: 0 };
  #connections = 0;
  #latestThrough = -1;
  #calm = false;
  #closed = false;

  private constructor(target: () => number, seed: number) {
    this.#target = target;
    this.#seed = seed;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => void this.#carry(client));
  }

  /** `target` is asked for each connection: the port of the server on 127.0.0.1. */
  static async open(target: () => number, seed: number): Promise<SessionProxy> {
    const proxy = new SessionProxy(target, seed);
    proxy.#server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get figures(): ProxyFigures {
    return { ...this.#figures };
  }

  calm(): void {
    this.#calm = true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  async #carry(client: Socket): Promise<void> {
    const number = this.#connections++;
    const fate = this.#calm ? CALM : fateOf(this.#seed, number);
    this.#own(client);
    if (fate.holdMs > 0) await pause(fate.holdMs);
    if (this.#closed || client.destroyed) return;
    const server = connect({ port: this.#target(), host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#own(server);
    server.once('connect', () => {
      this.#figures.carried++;
      if (number < this.#latestThrough) this.#figures.overtook++;
      this.#latestThrough = Math.max(this.#latestThrough, number);
    });
    new Pair(client, server, fate, this.#figures);
  }

  #own(socket: Socket): void {
    this.#open.add(socket);
    // The close that follows tells it.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
  }
}

/** One connection of a client and the one to the server that belongs to it. */
class Pair {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #fate: Fate;
  readonly #figures: { cut: number; stalled: number };
  #bytes = 0;
  #slices = 0;
  #stalled = false;
  #cut = false;

  constructor(client: Socket, server: Socket, fate: Fate, figures: { cut: number; stalled: number }) {
    this.#client = client;
    this.#server = server;
    this.#fate = fate;
    this.#figures = figures;
    this.#join(client, server);
    this.#join(server, client);
  }

  #join(source: Socket, sink: Socket): void {
    let work = Promise.resolve();
    source.on('data', (piece: Buffer) => {
      source.pause();
      work = work.then(async () => {
        await this.#pass(piece, sink);
        if (!this.#cut) source.resume();
      });
    });
    source.on('end', () => {
      // A client never ends its side alone: it is gone, and what it said and did not get through is lost.
      if (source === this.#client) this.#gone();
      else work = work.then(() => void (this.#cut || sink.end()));
    });
    // Behind what is still on its way, unless it broke: then nothing of the rest is owed to anybody.
    source.on('close', (broke) => {
      if (broke) this.#gone();
      else work = work.then(() => void (this.#cut || sink.destroySoon()));
    });
  }

  async #pass(piece: Buffer, sink: Socket): Promise<void> {
    const { sliceBytes, delayMs, cutAtBytes } = this.#fate;
    for (let at = 0; at < piece.length && !this.#cut; ) {
      const sliced = sliceBytes !== undefined && this.#bytes >= UNSLICED_BYTES && this.#slices < SLICES_MAX;
      const sliceMax = sliced
        ? sliceBytes
        : this.#bytes === 0 && sliceBytes !== undefined
          ? UNSLICED_BYTES
          : piece.length;
      const length = Math.min(piece.length - at, sliceMax, cutAtBytes - this.#bytes);
      if (sliced) this.#slices++;
      await this.#wait(delayMs, length);
      if (sink.destroyed || this.#cut) return;
      if (!sink.write(piece.subarray(at, at + length))) await drained(sink);
      at += length;
      this.#bytes += length;
      if (this.#bytes >= cutAtBytes) this.#cutNow();
    }
  }

  async #wait(delayMs: number, length: number): Promise<void> {
    const { stallAtBytes, stallMs } = this.#fate;
    if (!this.#stalled && this.#bytes + length > stallAtBytes) {
      this.#stalled = true;
      this.#figures.stalled++;
      await pause(stallMs);
    }
    if (delayMs > 0) await pause(delayMs);
  }

  #gone(): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#client.destroy();
    this.#server.destroy();
  }

  #cutNow(): void {
    this.#cut = true;
    this.#figures.cut++;
    const { cut, ghostMs } = this.#fate;
    if (cut === 'reset') {
      this.#client.resetAndDestroy();
      this.#server.resetAndDestroy();
      return;
    }
    this.#client.destroy();
    if (cut === 'both') this.#server.destroy();
    // What the server still says goes nowhere (X5).
    else setTimeout(() => this.#server.destroy(), ghostMs);
  }
}

/** Resolves when the socket takes more, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
    if (socket.destroyed || !socket.writableNeedDrain) done();
  });
}
