// Flood world
//
// One server, one client that floods it, and the others, whose waits are measured with and without the flood, in turn.
//
//     round:   quiet ──▶ flood ──▶ quiet ──▶ flood ──▶ …
//              the others ask at the same pace all the time, from a process of their own
//
// Owns:     the server, the two client processes, the rounds, which of them count.
// Does not: judge (floods.test.ts).
//
// W1. Every request of the others is answered with success, in every round: a flood costs them nothing but time.
// W2. Quiet and flooded rounds alternate, so that a slow minute of the machine slows both.
// W3. The wait of a round is the 99th percentile of all requests in it. That of all rounds is told twice: the least, for
//     what else runs on the machine can only add to a round; and the median, for where the disk itself is now quick and now
//     slow, the least of the one kind of rounds and the least of the other say only which of them had the luck. Rounds go
//     on until one of them meets the bound, or ROUNDS_MAX were counted; a server that a flood really slows down meets it
//     in neither.
// W4. A round in which others had more than NEIGHBOURS_MAX of the processors is not counted (neighbours.ts). With
//     UNCOUNTED_MAX of them the machine is too busy for the waits to be told.
// W5. A flood lasts longer than what is measured of it, and the next round begins when its connections are gone: one that
//     takes back thousands of them in an instant costs a moment, which is neither in the flood's waits nor in the quiet ones.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child } from '../../bench/harness/child.js';
import { COUNTER_PLACE, loadRequest } from '../../bench/harness/load-client.js';
import { median } from '../../bench/harness/median.js';
import type { PacedPlan, PacedResult } from '../../bench/harness/paced-load.js';
import { until } from '../server/expectations.js';
import { openSockets } from '../server/process-figures.js';
import { ServerProcess, type Settings } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import type { FloodOrder, FloodResult } from './flood-process.js';
import { watchNeighbours } from './neighbours.js';
import { residentMib } from './resident.js';

/** Each asks in turn for a value, a write, a message to itself and its messages: 45 of each in a minute. */
const OTHERS = 100;
const OTHERS_PER_SECOND = 300;
const OTHERS_CONNECTIONS = 8;
/** At least so many, for the flood to meet what only a lasting one meets. */
const ROUNDS_MIN = 2;
const ROUNDS_MAX = 16;
const ROUND_MS = 600;
/** Until the last answer of a measured round is there (W5). */
const FLOOD_TAIL_MS = 150;
const UNCOUNTED_MAX = 4;
/** Of all processors. On two it is a third of one, which the threads of the server and the clients then wait for. */
const NEIGHBOURS_MAX = 0.15;
/** Connections of the test itself, which are kept for a while. */
const SOCKETS_SWING = 16;

export interface Waits {
  readonly quietP99Ms: number;
  readonly floodedP99Ms: number;
}

export interface Round extends Waits {
  readonly flood: FloodResult;
  /** What others had of the processors, at most, in its quiet and in its flooded part: 0 to 1. */
  readonly neighbours: number;
}

/** Of all rounds that count (W3). */
export interface JudgedWaits {
  readonly least: Waits;
  readonly median: Waits;
}

export interface Flooded {
  readonly rounds: readonly Round[];
  /** Undefined when the machine was too busy to tell (W4). */
  readonly waits: JudgedWaits | undefined;
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
    isEnough: (waits: JudgedWaits) => boolean,
    leadMs = 0,
  ): Promise<Flooded> {
    const residentBeforeMib = residentMib(this.server.pid);
    let residentMaxMib = residentBeforeMib;
    const watch = setInterval(() => {
      residentMaxMib = Math.max(residentMaxMib, residentMib(this.server.pid));
    }, 20);
    const rounds: Round[] = [];
    try {
      while (!isOver(rounds, isEnough)) rounds.push(await this.#round(order, leadMs));
    } finally {
      clearInterval(watch);
    }
    return { rounds, waits: waitsOf(rounds, isEnough), residentBeforeMib, residentMaxMib };
  }

  async #round(order: (durationMs: number) => FloodOrder, leadMs: number): Promise<Round> {
    const socketsBefore = openSockets(this.server.pid) ?? 0;
    const quiet = await this.#askWatched();
    const [flood, flooded] = await Promise.all([
      this.#flooder.ask(order(leadMs + ROUND_MS + FLOOD_TAIL_MS)),
      pause(leadMs).then(() => this.#askWatched()),
    ]);
    await this.#settled(socketsBefore);
    const neighbours = Math.max(quiet.neighbours, flooded.neighbours);
    return { quietP99Ms: quiet.p99Ms, floodedP99Ms: flooded.p99Ms, flood, neighbours };
  }

  /** The connections of the flood are gone, and so is the work of ending them (W5). */
  async #settled(socketsBefore: number): Promise<void> {
    const areGone = () => (openSockets(this.server.pid) ?? 0) <= socketsBefore + SOCKETS_SWING;
    await until('the connections of the flood are gone', areGone);
    // It is answered behind all that the server has still to do about them.
    await this.api.must(200, { path: '/v1/health' });
  }

  async #askWatched(): Promise<{ readonly p99Ms: number; readonly neighbours: number }> {
    const neighboursUntilNow = watchNeighbours();
    const p99Ms = await this.#askAround();
    return { p99Ms, neighbours: neighboursUntilNow() };
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

const counts = ({ neighbours }: Round) => neighbours <= NEIGHBOURS_MAX;

function isOver(rounds: readonly Round[], isEnough: (waits: JudgedWaits) => boolean): boolean {
  const counted = rounds.filter(counts);
  if (counted.length >= ROUNDS_MIN && isEnough(judged(counted))) return true;
  return counted.length >= ROUNDS_MAX || rounds.length - counted.length >= UNCOUNTED_MAX;
}

/** A bound that is missed is missed only when enough rounds were there to meet it (W4). */
function waitsOf(rounds: readonly Round[], isEnough: (waits: JudgedWaits) => boolean): JudgedWaits | undefined {
  const counted = rounds.filter(counts);
  if (counted.length < ROUNDS_MIN) return undefined;
  const waits = judged(counted);
  return isEnough(waits) || counted.length >= ROUNDS_MAX ? waits : undefined;
}

function judged(rounds: readonly Round[]): JudgedWaits {
  return {
    least: {
      quietP99Ms: Math.min(...rounds.map((round) => round.quietP99Ms)),
      floodedP99Ms: Math.min(...rounds.map((round) => round.floodedP99Ms)),
    },
    median: {
      quietP99Ms: median(rounds.map((round) => round.quietP99Ms)),
      floodedP99Ms: median(rounds.map((round) => round.floodedP99Ms)),
    },
  };
}
