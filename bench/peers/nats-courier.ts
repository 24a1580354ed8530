// NATS JetStream: one stream in files, a subject and a durable push consumer for each receiver, which acknowledges every
// message. A publish is done when the stream has acknowledged it, which it does before anything is flushed.

import { type Courier, type PairLoad, textOf } from '../sessions/pair-load.js';
import { loadPeer } from './installed.js';
import type { Connections } from './redis-courier.js';

interface Connection {
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Transport {
  connect(options: { readonly servers: string }): Promise<Connection>;
}

interface Delivered {
  string(): string;
  ack(): void;
}

interface Consuming {
  consume(options: { readonly callback: (message: Delivered) => void }): Promise<unknown>;
}

interface Stream {
  publish(subject: string, payload: string): Promise<unknown>;
  readonly consumers: { getPushConsumer(stream: string, name: string): Promise<Consuming> };
}

interface ConsumerInfo {
  readonly ack_floor: { readonly consumer_seq: number };
  readonly num_ack_pending: number;
}

interface Manager {
  readonly streams: { add(options: object): Promise<unknown> };
  readonly consumers: {
    add(stream: string, options: object): Promise<unknown>;
    info(stream: string, name: string): Promise<ConsumerInfo>;
  };
}

interface JetStream {
  jetstream(connection: Connection): Stream;
  jetstreamManager(connection: Connection): Promise<Manager>;
}

export class NatsCourier implements Courier {
  readonly #transport: Transport;
  readonly #library: JetStream;
  readonly #port: number;
  readonly #pairs: number;
  readonly #eachOwn: boolean;
  /** Each way of connecting has a stream of its own, and so a count of its own. */
  readonly #stream: string;
  #connections: Connection[] = [];
  #senders: Stream[] = [];
  #load: PairLoad | undefined;

  constructor(port: number, pairs: number, connections: Connections) {
    const [transport, library] = [
      loadPeer<Transport>('@nats-io/transport-node'),
      loadPeer<JetStream>('@nats-io/jetstream'),
    ];
    if (transport === undefined || library === undefined) throw new Error('The client of NATS is not installed');
    this.#transport = transport.library;
    this.#library = library.library;
    this.#port = port;
    this.#pairs = pairs;
    this.#eachOwn = connections === 'each';
    this.#stream = `inboxes-${connections}`;
  }

  async open(load: PairLoad): Promise<void> {
    this.#load = load;
    await this.#withManager((manager) => this.#makeConsumers(manager));
    const count = this.#eachOwn ? this.#pairs : 1;
    const senders = await this.#connect(count);
    const receivers = this.#eachOwn ? await this.#connect(count) : senders;
    this.#connections = this.#eachOwn ? [...senders, ...receivers] : senders;
    this.#senders = senders.map((connection) => this.#library.jetstream(connection));
    for (let pair = 0; pair < this.#pairs; pair++) {
      const stream = this.#library.jetstream(receivers[pair % receivers.length]!);
      const consumer = await stream.consumers.getPushConsumer(this.#stream, consumerOf(pair));
      await consumer.consume({
        callback: (message) => {
          message.ack();
          load.received(pair, message.string());
          load.turn(pair);
        },
      });
    }
  }

  send(pair: number, first: number, count: number): void {
    const load = this.#load!;
    const sender = this.#senders[pair % this.#senders.length]!;
    for (let number = first; number < first + count; number++) {
      sender.publish(this.#subjectOf(pair), textOf(number)).then(
        () => {
          load.accepted(pair);
          load.turn(pair);
        },
        (error: Error) => load.fail(error),
      );
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.flush()));
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  async countFarEnd(): Promise<number> {
    return await this.#withManager(async (manager) => {
      await this.#makeConsumers(manager);
      let count = 0;
      for (let pair = 0; pair < this.#pairs; pair++) {
        const info = await manager.consumers.info(this.#stream, consumerOf(pair));
        if (info.num_ack_pending > 0) throw new Error(`${info.num_ack_pending} messages were not acknowledged`);
        count += info.ack_floor.consumer_seq;
      }
      return count;
    });
  }

  /** Those that are there already stay. */
  async #makeConsumers(manager: Manager): Promise<void> {
    await manager.streams.add({ name: this.#stream, subjects: [`${this.#stream}.*`], storage: 'file' });
    for (let pair = 0; pair < this.#pairs; pair++) {
      await manager.consumers.add(this.#stream, {
        durable_name: consumerOf(pair),
        deliver_subject: `deliver.${this.#stream}.${pair}`,
        filter_subject: this.#subjectOf(pair),
        ack_policy: 'explicit',
        deliver_policy: 'all',
      });
    }
  }

  async #withManager<Result>(use: (manager: Manager) => Promise<Result>): Promise<Result> {
    const [connection] = (await this.#connect(1)) as [Connection];
    try {
      return await use(await this.#library.jetstreamManager(connection));
    } finally {
      await connection.close();
    }
  }

  #subjectOf(pair: number): string {
    return `${this.#stream}.${pair}`;
  }

  async #connect(count: number): Promise<Connection[]> {
    const servers = `127.0.0.1:${this.#port}`;
    return await Promise.all(Array.from({ length: count }, () => this.#transport.connect({ servers })));
  }
}

function consumerOf(pair: number): string {
  return `reader-${pair}`;
}
