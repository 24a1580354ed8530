// Pairs under test
//
// What the benches of pairs have in common: the raw relay, a server with agents on it, and the processes that load them. A
// carrier's subject counts its far end by itself: what the server has delivered and seen acknowledged.

import { join } from 'node:path';
import { Child } from '../harness/child.js';
import type { Sample, Subject } from '../harness/measure.js';
import { ServerUnderTest } from '../harness/server-under-test.js';
import type { LoadOrder, LoadOutcome } from './pair-load.js';
import type { Carrier, PairsAnswer, PairsOrder } from './pairs-process.js';
import type { RawSocketsReady } from './raw-sockets.js';
import type { Pair } from './session-courier.js';

export type Load = Omit<LoadOrder, 'pairs' | 'budgetMs'>;

/** A process that loads one kind of carrier. */
export class PairsLoader {
  readonly #child = new Child<PairsOrder, PairsAnswer>(join(import.meta.dirname, 'pairs-process.js'));

  async run(carrier: Carrier, load: Omit<LoadOrder, 'pairs'>): Promise<LoadOutcome> {
    const answer = await this.#child.ask({ carrier, load });
    if (answer.kind !== 'outcome') throw new Error('A load was answered with a count');
    return answer.outcome;
  }

  async countFarEnd(carrier: Carrier): Promise<number> {
    const answer = await this.#child.ask({ carrier });
    if (answer.kind !== 'count') throw new Error('A count was answered with an outcome');
    return answer.count;
  }

  subject(name: string, carrier: Carrier, load: Load, seen?: (outcome: LoadOutcome) => void): Subject {
    return {
      name,
      run: async (budgetMs): Promise<Sample> => {
        const outcome = await this.run(carrier, { ...load, budgetMs });
        seen?.(outcome);
        return { operations: outcome.done, elapsedMs: outcome.elapsedMs, latency: outcome.latency };
      },
      countFarEnd: () => this.countFarEnd(carrier),
    };
  }

  async close(): Promise<void> {
    await this.#child.close();
  }
}

export interface RawSockets extends RawSocketsReady {
  /** To stand behind the name of a floor: what else it is, where uWebSockets.js does not load. */
  readonly suffix: string;
  close(): Promise<void>;
}

export async function openRawSockets(): Promise<RawSockets> {
  const child = new Child<object, RawSocketsReady>(join(import.meta.dirname, 'raw-sockets.js'));
  try {
    const ready = await child.ask({});
    return { ...ready, suffix: ready.adapter === 'uws' ? '' : ' (ws)', close: () => child.close() };
  } catch (error) {
    await child.close();
    throw error;
  }
}

export interface PairsUnderTest {
  readonly loader: PairsLoader;
  readonly server: ServerUnderTest;
  readonly raw: RawSockets;
  /** The first `count` pairs. */
  relay(count: number): Carrier;
  troupe(count: number): Carrier;
  close(): Promise<void>;
}

/** A server with so many pairs of agents, and a relay that they are known to as well. */
export async function openPairs(pairCount: number): Promise<PairsUnderTest> {
  const raw = await openRawSockets();
  const server = await ServerUnderTest.open(2 * pairCount);
  const loader = new PairsLoader();
  const pairs = Array.from({ length: pairCount }, (_, place): Pair => {
    return { sender: server.agents[2 * place]!, receiver: server.agents[2 * place + 1]! };
  });
  // To the relay a token is a name: one is as long as an address, so that frames are too.
  const named = pairs.map(({ sender, receiver }): Pair => {
    return {
      sender: { address: sender.address, token: sender.address },
      receiver: { address: receiver.address, token: receiver.address },
    };
  });
  return {
    loader,
    server,
    raw,
    relay: (count) => ({ kind: 'session', port: raw.port, pairs: named.slice(0, count) }),
    troupe: (count) => ({ kind: 'session', port: server.port, pairs: pairs.slice(0, count) }),
    close: async () => {
      await Promise.all([loader.close(), raw.close(), server.close()]);
    },
  };
}
