// Measures: messages of 200 bytes a second from a sender to a receiver, accepted durably, pushed and acknowledged, between
// agents with sessions over WebSocket, with 1, 64 and 1,024 messages under way (one pair; 64 pairs; 64 pairs with 16 each).
// A message is under way until its sender was told that it is accepted and its receiver has it. The same with a raw
// uWebSockets.js relay that parses and answers the same frames, with Redis Streams and with NATS JetStream.
//
// Does not measure: registration, hashing of tokens (cheapest parameters), rate limits (off), opening sessions, or a network:
// server and load share the machine's cores, and the load of each is Node.
//
// How to read it: `of the floor` is the part of the relay's rate that is left when every message is durable before it is
// accepted and pushed, and every acknowledgement durable soon after. The relay and we have the same client, on raw sockets;
// the brokers have their own. Redis writes and flushes its file before it answers (`appendfsync always`). NATS writes to a
// file and acknowledges before anything is flushed: what it has accepted does not survive the power cord. Each broker is
// there twice: with a connection for each sender and each receiver, as agents are connected here, and with all senders,
// and all receivers, on one. p50 and p99 are from the write of a message to its receiver. `verified` is what the far end
// says it has delivered and seen acknowledged.
//
// The brokers are programs of the system (Debian: redis-server, nats-server), and their clients no dependencies of the
// project. What is not installed is not measured, and said.

import { runBench } from '../harness/bench.js';
import type { BenchCase, CaseResult, Subject } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import { type BrokerKind, BrokerProcess, NATS, REDIS } from '../peers/broker-process.js';
import { INSTALL_COMMAND, loadPeer } from '../peers/installed.js';
import { openPairs, PairsLoader } from './pairs-under-test.js';

const UNDER_WAY = [
  { name: '1 under way', pairs: 1, depth: 1, aheadOf: ['Redis'] },
  { name: '64 under way', pairs: 64, depth: 1, aheadOf: ['Redis', 'NATS'] },
  { name: '1,024 under way', pairs: 64, depth: 16, aheadOf: ['Redis', 'NATS'] },
] as const;
type Case = (typeof UNDER_WAY)[number];

const PAIRS = 64;
const REACH_OF_RELAY = 0.4;
const CONNECTIONS = ['each', 'one'] as const;

interface Broker {
  readonly subjects: (of: Case) => Subject[];
  readonly close: () => Promise<void>;
}

const BROKERS: readonly {
  readonly kind: 'redis' | 'nats';
  readonly name: string;
  readonly broker: BrokerKind;
  readonly client: string;
}[] = [
  { kind: 'redis', name: 'Redis', broker: REDIS, client: 'redis' },
  { kind: 'nats', name: 'NATS', broker: NATS, client: '@nats-io/jetstream' },
];

/** Or why it cannot be measured. */
async function openBroker({ kind, name, broker, client }: (typeof BROKERS)[number]): Promise<Broker | string> {
  if (loadPeer(client) === undefined)
    return `${name} was not measured: its client is not installed (${INSTALL_COMMAND})`;
  const running = await BrokerProcess.start(broker);
  if (running === undefined) return `${name} was not measured: ${broker.program} is not installed`;
  const loader = new PairsLoader();
  return {
    subjects: ({ pairs, depth }) =>
      CONNECTIONS.filter((connections) => pairs > 1 || connections === 'each').map((connections) => {
        const words = connections === 'each' ? '' : ', one connection';
        return loader.subject(name + words, { kind, port: running.port, pairs, connections }, { depth });
      }),
    async close() {
      await loader.close();
      await running.close();
    },
  };
}

function boundsOf({ name, results }: CaseResult): Bound[] {
  const { aheadOf } = UNDER_WAY.find((of) => of.name === name)!;
  const own = results[1]!;
  const ofRelay: Bound[] =
    name === '64 under way'
      ? [
          {
            what: `${name}: of the relay`,
            measured: own.ratio.median,
            unit: '',
            limit: { kind: 'least', value: REACH_OF_RELAY },
          },
        ]
      : [];
  const ahead = aheadOf.flatMap((broker): Bound[] => {
    const fastest = results
      .filter(({ subject }) => subject.startsWith(broker))
      .toSorted((a, b) => b.perSecond.median - a.perSecond.median)[0];
    if (fastest === undefined) return [];
    const measured = own.perSecond.median / fastest.perSecond.median;
    return [{ what: `${name}: times ${fastest.subject}`, measured, unit: '', limit: { kind: 'least', value: 1 } }];
  });
  return [...ofRelay, ...ahead];
}

await runBench({
  name: 'sessions/messages',
  async open() {
    const pairs = await openPairs(PAIRS);
    const brokers: Broker[] = [];
    const missing: string[] = [];
    for (const kind of BROKERS) {
      const broker = await openBroker(kind);
      if (typeof broker === 'string') missing.push(broker);
      else brokers.push(broker);
    }
    const cases = UNDER_WAY.map((of): BenchCase => {
      const { name, depth } = of;
      return {
        name,
        floor: pairs.loader.subject(`raw relay${pairs.raw.suffix}`, pairs.relay(of.pairs), { depth }),
        subjects: [
          pairs.loader.subject('troupe', pairs.troupe(of.pairs), { depth }),
          ...brokers.flatMap((broker) => broker.subjects(of)),
        ],
      };
    });
    return {
      cases,
      notes: async () => missing,
      bounds: (results) => results.flatMap(boundsOf),
      async close() {
        await pairs.close();
        for (const broker of brokers) await broker.close();
      },
    };
  },
});
