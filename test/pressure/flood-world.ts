// Flood world
//
// One server, one client that floods it, and the others, whose waits are measured with and without the flood, in turn.
//
//     round:   quiet ──▶ flood ──▶ quiet ──▶ flood ──▶ …
//              the others ask at the same pace all the time, from a process of their own
//
// Owns:     the server, the two client processes, the rounds.
// Does not: judge (floods.test.ts).
//
// W1. Every request of the others is answered with success, in every round: a flood costs them nothing but time.
// W2. Quiet and flooded rounds alternate, so that a slow minute of the machine slows both.
// W3. The wait of a round is the 99th percentile of all requests in it; that of all rounds, the least: what else runs on
//     the machine can only add to a round. Rounds go on until the bound is met, or ROUNDS_MAX is; a server that a flood
//     really slows down meets it in none.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child } from '../../bench/harness/child.js';
import { COUNTER_PLACE, loadRequest } from '../../bench/harness/load-client.js';
import type { PacedPlan, PacedResult } from '../../bench/harness/paced-load.js';
import { ServerProcess, type Settings } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import type { FloodOrder, FloodResult } from './flood-process.js';
import { residentMib } from './resident.js';

/** Each asks in turn for a value, a write, a message to itself and its messages: 45 of each in a minute. */
const OTHERS = 100;
const OTHERS_PER_SECOND = 300;
const OTHERS_CONNECTIONS = 8;
/** At least so many, for the flood to meet what only a lasting one meets. */
const ROUNDS_MIN = 2;
const ROUNDS_MAX = 8;
const ROUND_MS = 600;

export interface Waits {
  readonly quietP99Ms: number;
  readonly floodedP99Ms: number;
}

export interface Round extends Waits {
  readonly flood: FloodResult;
}

/** With the least of the rounds' waits (W3). */
export interface Flooded extends Waits {
  readonly rounds: readonly Round[];
  /** Resident and not backed by a file, before the first flood and at most while it lasted. */
  readonly residentBeforeMib: number;
  readonly residentMaxMib: number;
}

export class FloodWorld {
  readonly server: ServerProcess;
  readonly api: TroupeApi;
  readonly #others: readonly Agent[];
  #asked = 0;
  readonly #flooder = new Child<FloodOrder, FloodResult>(join(import.meta.dirname, 'flood-process.js'));
  readonly #asker = new Child<PacedPlan, PacedResult>(
    join(import.meta.dirname, '..', '..', 'bench', 'harness', 'paced-process.js'),
  );

  private constructor(server: ServerProcess, api: TroupeApi, others: readonly Agent[]) {
    this.server = server;
    this.api = api;
    this.#others = others;
  }

  static async open(settings: Settings): Promise<FloodWorld> {
    const server = await ServerProcess.start(settings);
    const api = new TroupeApi(() => server.port);
    const operator = await api.operator();
    const others: Agent[] = [];
    for (let i = 0; i < OTHERS; i++) {
      const agent = await api.agent(operator);
      assert.equal((await api.put(agent, agent.agent_address, 'a value')).status, 200);
      others.push(agent);
    }
    const world = new FloodWorld(server, api, others);
    // The first requests of a server are slow ones: they are nobody's measure.
    await world.#askAround();
    return world;
  }

  async close(): Promise<void> {
    this.api.close();
    await Promise.all([this.#flooder.close(), this.#asker.close(), this.server.dispose()]);
  }

  /**
   * Rounds with and without the flood that `order` describes, until `isEnough` (W3). Each is to last `durationMs`, of which
   * the first `leadMs`, in which it builds up, are not measured.
   */
  async flood(
    order: (durationMs: number) => FloodOrder,
    isEnough: (waits: Waits) => boolean,
    leadMs = 0,
  ): Promise<Flooded> {
    const residentBeforeMib = residentMib(this.server.pid);
    let residentMaxMib = residentBeforeMib;
    const watch = setInterval(() => {
      residentMaxMib = Math.max(residentMaxMib, residentMib(this.server.pid));
    }, 20);
    const rounds: Round[] = [];
    try {
      while (rounds.length < ROUNDS_MIN || (rounds.length < ROUNDS_MAX && !isEnough(leastOf(rounds)))) {
        const quietP99Ms = await this.#askAround();
        const [flood, floodedP99Ms] = await Promise.all([
          this.#flooder.ask(order(leadMs + ROUND_MS)),
          pause(leadMs).then(() => this.#askAround()),
        ]);
        rounds.push({ quietP99Ms, floodedP99Ms, flood });
      }
    } finally {
      clearInterval(watch);
    }
    return { rounds, ...leastOf(rounds), residentBeforeMib, residentMaxMib };
  }

  /** The p99 of what the others ask in one round: it begins where the round before ended, so that all ask equally much. */
  async #askAround(): Promise<number> {
    const requests = this.#others.flatMap(({ agent_address, agent_token }) => [
      loadRequest('GET', `/v1/state/${agent_address}`, agent_token, null),
      loadRequest('PUT', `/v1/state/${agent_address}`, agent_token, { value: COUNTER_PLACE }),
      loadRequest('POST', '/v1/messages', agent_token, { to: agent_address, content: COUNTER_PLACE }),
      loadRequest('GET', '/v1/messages?limit=100', agent_token, null),
    ]);
    const { port } = this.server;
    requests.push(...requests.splice(0, this.#asked % requests.length));
    const plan = {
      port,
      connections: OTHERS_CONNECTIONS,
      perSecond: OTHERS_PER_SECOND,
      durationMs: ROUND_MS,
      requests,
    };
    const { answered, lost, skipped, latency } = await this.#asker.ask(plan);
    const { 200: read = 0, 202: accepted = 0, ...refused } = answered;
    assert.deepEqual({ refused, lost, skipped }, { refused: {}, lost: 0, skipped: 0 }, 'the others were refused');
    this.#asked += read + accepted;
    assert.ok(read + accepted > (OTHERS_PER_SECOND * ROUND_MS) / 2000, 'the others hardly asked');
    return latency.p99Ms;
  }
}

function leastOf(rounds: readonly Round[]): Waits {
  return {
    quietP99Ms: Math.min(...rounds.map((round) => round.quietP99Ms)),
    floodedP99Ms: Math.min(...rounds.map((round) => round.floodedP99Ms)),
  };
}
