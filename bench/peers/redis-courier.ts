// Redis: a stream for each receiver with a consumer group of its own, read by XREADGROUP and acknowledged by XACK; XADD
// sends. The client pipelines what is asked in one turn of the loop by itself.

import { type Courier, type PairLoad, textOf } from '../sessions/pair-load.js';
import { loadPeer } from './installed.js';

interface RedisClient {
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): void;
  sendCommand(words: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
  destroy(): void;
}

interface Redis {
  createClient(options: object): RedisClient;
}

/** Entries by stream, as RESP2 has them: id, and members with their values. */
type Read = readonly (readonly [stream: string, entries: readonly (readonly [id: string, members: string[]])[]])[];

const GROUP = 'readers';
const READ_COUNT = '1024';
const BLOCK_MS = '60000';
/** Answers of XACK that nobody has looked at. */
const ACKS_KEPT_MAX = 10_000;

/** `each`: every sender and every receiver has a connection. `one`: all senders share one, and all receivers another. */
export type Connections = 'each' | 'one';

export class RedisCourier implements Courier {
  readonly #redis: Redis;
  readonly #port: number;
  readonly #pairs: number;
  readonly #connections: Connections;
  /** Each way of connecting has streams of its own, and so a count of its own. */
  readonly #prefix: string;
  #senders: RedisClient[] = [];
  #receivers: RedisClient[] = [];
  #acks: Promise<unknown>[] = [];
  #load: PairLoad | undefined;
  #isOpen = false;

  constructor(port: number, pairs: number, connections: Connections) {
    const peer = loadPeer<Redis>('redis');
    if (peer === undefined) throw new Error('The client of Redis is not installed');
    this.#redis = peer.library;
    this.#port = port;
    this.#pairs = pairs;
    this.#connections = connections;
    this.#prefix = `${connections}-`;
  }

  async open(load: PairLoad): Promise<void> {
    this.#load = load;
    this.#isOpen = true;
    await this.#makeGroups();
    const count = this.#connections === 'each' ? this.#pairs : 1;
    this.#senders = await this.#connect(count);
    this.#receivers = await this.#connect(count);
    for (const [place, client] of this.#receivers.entries()) {
      const streams = count === 1 ? this.#allStreams() : [this.#streamOf(place)];
      this.#receive(client, streams).catch((error: Error) => {
        if (this.#isOpen) load.fail(error);
      });
    }
  }

  send(pair: number, first: number, count: number): void {
    const load = this.#load!;
    const client = this.#senders[pair % this.#senders.length]!;
    for (let number = first; number < first + count; number++) {
      client.sendCommand(['XADD', this.#streamOf(pair), '*', 'm', textOf(number)]).then(
        () => {
          load.accepted(pair);
          load.turn(pair);
        },
        (error: Error) => load.fail(error),
      );
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#acks);
    this.#acks = [];
    this.#isOpen = false;
    for (const client of [...this.#senders, ...this.#receivers]) client.destroy();
  }

  async countFarEnd(): Promise<number> {
    await this.#makeGroups();
    const [client] = (await this.#connect(1)) as [RedisClient];
    let count = 0;
    for (const stream of this.#allStreams()) {
      const [group] = (await client.sendCommand(['XINFO', 'GROUPS', stream])) as [unknown[]];
      const member = (name: string): number => Number(group[group.indexOf(name) + 1]);
      count += member('entries-read') - member('pending');
    }
    await client.close();
    return count;
  }

  async #receive(client: RedisClient, streams: readonly string[]): Promise<void> {
    const after = streams.map(() => '>');
    const read = ['XREADGROUP', 'GROUP', GROUP, 'one', 'COUNT', READ_COUNT, 'BLOCK', BLOCK_MS, 'STREAMS'];
    const words = [...read, ...streams, ...after];
    const load = this.#load!;
    while (this.#isOpen) {
      const found = (await client.sendCommand(words)) as Read | null;
      for (const [stream, entries] of found ?? []) {
        const pair = Number(stream.slice(this.#prefix.length));
        this.#acks.push(client.sendCommand(['XACK', stream, GROUP, ...entries.map(([id]) => id)]));
        for (const [, members] of entries) load.received(pair, members[1]!);
        load.turn(pair);
      }
      if (this.#acks.length > ACKS_KEPT_MAX) await Promise.all(this.#acks.splice(0, ACKS_KEPT_MAX / 2));
    }
  }

  #streamOf(pair: number): string {
    return this.#prefix + pair;
  }

  #allStreams(): string[] {
    return Array.from({ length: this.#pairs }, (_, place) => this.#streamOf(place));
  }

  async #makeGroups(): Promise<void> {
    const [client] = (await this.#connect(1)) as [RedisClient];
    for (const stream of this.#allStreams()) {
      await client.sendCommand(['XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM']).catch((error: Error) => {
        if (!error.message.startsWith('BUSYGROUP')) throw error;
      });
    }
    await client.close();
  }

  async #connect(count: number): Promise<RedisClient[]> {
    const clients = Array.from({ length: count }, () =>
      this.#redis.createClient({ socket: { host: '127.0.0.1', port: this.#port, reconnectStrategy: false }, RESP: 2 }),
    );
    for (const client of clients) client.on('error', (error) => this.#load?.fail(error));
    await Promise.all(clients.map((client) => client.connect()));
    return clients;
  }
}
