// Many idle sessions, and then all of them at once: the server is killed and started again, knows no token any more, and
// every session comes back at the same instant.
//
//   SESSION_CROWD=20000 SESSION_IDLE_MS=80000 npm run test:pressure -- session-storm      the full size
//
// As many as the files that one process may open allow. What is expected of the storm:
//   - nobody is refused without a time to retry;
//   - it is over in the time that the hashes of all tokens take, at the rate that the same threads reach with nothing else
//     to do, times SETTLE_FACTOR, and the back-off of those who came last. The factor: the hash threads run at a lower
//     priority than everything else, and the crowd itself takes part of the same processors;
//   - the others (a hundred agents over HTTP, whose tokens are known) wait at most WAIT_MS_MAX, by their 99th percentile, in
//     one storm of STORMS_MAX.
//
// The reach is WAIT_RATIO_REACH times what they wait without a storm. It is told, and missed on two processors: the turns of
// the main thread's loop are short (turn-pace.ts), but the crowd and the hash threads take part of the same processors.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { RawArgon2 } from '../../bench/baseline/raw-argon2.js';
import { Child } from '../../bench/harness/child.js';
import { COUNTER_PLACE, loadRequest } from '../../bench/harness/load-client.js';
import type { PacedPlan, PacedResult } from '../../bench/harness/paced-load.js';
import { LISTENERS } from '../server/on-both-listeners.js';
import { ServerProcess } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import { watchNeighbours } from './neighbours.js';
import { residentMib } from './resident.js';
import type { CrowdResult } from './session-crowd.js';
import type { CrowdAnswer, CrowdOrder } from './session-crowd-process.js';

const WANTED = Number(process.env.SESSION_CROWD ?? 1_000);
const IDLE_MS = Number(process.env.SESSION_IDLE_MS ?? 500);
/** Files that a server has open beside its sessions, and the connections of the others. */
const FILES_APART = 300;
const SESSIONS = Math.min(WANTED, filesMax() - FILES_APART);
const PROCESSES = Math.max(2, Math.ceil(SESSIONS / 5_000));
const SOURCES = Array.from({ length: 10 }, (_, index) => `127.0.0.${index + 1}`);
/** When no storm is wanted: fewer than any bound of the server. */
const OPENING_MAX = 100;
const OPERATORS = 8;

/** Two milliseconds or so of a processor: cheap, and still what decides how long the storm takes. */
const COST = { memoryKib: 2_048, passes: 1 };
const HASH_THREADS = 2;
const SETTLE_FACTOR = 3;
/** Who was refused a few times waits so long until it comes again. */
const BACKOFF_TAIL_MS = 8_000;
const RATE_BUDGET_MS = 500;
/** As by default, or so few that some of a small crowd are refused too. */
const HASH_QUEUE_MAX = Math.min(1_024, Math.ceil(SESSIONS / 4));

const OTHERS = 100;
const OTHERS_PER_SECOND = 300;
const OTHERS_CONNECTIONS = 8;
const QUIET_MS = 1_500;
const WAIT_RATIO_REACH = 3;
const WAIT_MS_MAX = 120;
const FLOOR_MS = 10;
/** As in floods.test.ts: a machine on which others have so much, or on which the quiet waits are so long, tells nothing. */
const NEIGHBOURS_MAX = 0.15;
const BUSY_MS = 15;
const STORMS_MAX = 3;

const SETTINGS = {
  'auth.argon2_memory_kib': COST.memoryKib,
  'auth.argon2_passes': COST.passes,
  'auth.hash_threads': HASH_THREADS,
  'auth.hash_queue_max': HASH_QUEUE_MAX,
  'auth.cache_ttl_ms': 3_600_000,
  'sessions.max': SESSIONS + 100,
  shutdown_timeout_ms: 5_000,
};

/** What `ulimit -n` says of the processes that are started here: Node raises its own limit as far as it may. */
function filesMax(): number {
  if (process.platform !== 'linux') return 10_000;
  const limits = readFileSync('/proc/self/limits', 'latin1');
  return Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? 1_024);
}

type CrowdChild = Child<CrowdOrder, CrowdAnswer>;

class StormWorld {
  readonly #server: ServerProcess;
  readonly #api: TroupeApi;
  readonly #crowds: CrowdChild[] = [];
  readonly #asker = new Child<PacedPlan, PacedResult>(
    join(import.meta.dirname, '..', '..', 'bench', 'harness', 'paced-process.js'),
  );
  #others: readonly Agent[] = [];

  private constructor(server: ServerProcess) {
    this.#server = server;
    this.#api = new TroupeApi(() => server.port);
  }

  static async open(listener: string): Promise<StormWorld> {
    return new StormWorld(await ServerProcess.start({ ...SETTINGS, 'http.listener': listener }));
  }

  get residentMib(): number {
    return residentMib(this.#server.pid);
  }

  async register(count: number): Promise<Agent[]> {
    const lots = Array.from({ length: OPERATORS }, async (_, lot) => {
      const operator = await this.#api.operator();
      const agents: Agent[] = [];
      while (agents.length < Math.floor((count + lot) / OPERATORS)) agents.push(await this.#api.agent(operator));
      return agents;
    });
    return (await Promise.all(lots)).flat();
  }

  async gather(): Promise<void> {
    const agents = await this.register(SESSIONS);
    this.#others = await this.register(OTHERS);
    await Promise.all(this.#others.map((agent) => this.#api.put(agent, agent.agent_address, 'a value')));
    const share = Math.ceil(SESSIONS / PROCESSES);
    for (let from = 0; from < SESSIONS; from += share) {
      const crowd: CrowdChild = new Child(join(import.meta.dirname, 'session-crowd-process.js'));
      this.#crowds.push(crowd);
      const tokens = agents.slice(from, from + share).map(({ agent_token }) => agent_token);
      await crowd.ask({ kind: 'gather', tokens, sources: SOURCES });
    }
  }

  /** All of the crowd: each part by itself, at the same time. */
  async enter(openingMax: number, timeoutMs: number): Promise<CrowdResult> {
    const { port } = this.#server;
    const answers = await Promise.all(
      this.#crowds.map((crowd) => crowd.ask({ kind: 'enter', port, openingMax, timeoutMs })),
    );
    const results = answers.map(({ result }) => result!);
    return {
      live: sum(results, ({ live }) => live),
      attempts: sum(results, ({ attempts }) => attempts),
      settledMs: Math.max(...results.map(({ settledMs }) => settledMs)),
      toldMsMax: Math.max(...results.map(({ toldMsMax }) => toldMsMax)),
      refused: merged(results.map(({ refused }) => refused)),
      untimed: merged(results.map(({ untimed }) => untimed)),
    };
  }

  async live(): Promise<number> {
    return sum(await Promise.all(this.#crowds.map((crowd) => crowd.ask({ kind: 'count' }))), ({ live }) => live);
  }

  /** Kills the server, and starts it again: it knows no token. */
  async restart(): Promise<void> {
    await this.#server.kill();
    const left = await Promise.all(this.#crowds.map((crowd) => crowd.ask({ kind: 'lost', timeoutMs: 10_000 })));
    assert.equal(
      sum(left, ({ live }) => live),
      0,
    );
    await this.#server.startAgain();
  }

  /** The others' p99. With `until`, as long as that takes, in stretches. */
  async askAround(durationMs: number): Promise<number> {
    const requests = this.#others.flatMap(({ agent_address, agent_token }) => [
      loadRequest('GET', `/v1/state/${agent_address}`, agent_token, null),
      loadRequest('PUT', `/v1/state/${agent_address}`, agent_token, { value: COUNTER_PLACE }),
      loadRequest('POST', '/v1/messages', agent_token, { to: agent_address, content: COUNTER_PLACE }),
      loadRequest('GET', '/v1/messages?limit=100', agent_token, null),
    ]);
    const plan = { connections: OTHERS_CONNECTIONS, perSecond: OTHERS_PER_SECOND, durationMs, requests };
    const { answered, lost, skipped, latency } = await this.#asker.ask({ port: this.#server.port, ...plan });
    const { 200: read = 0, 202: accepted = 0, ...refused } = answered;
    assert.deepEqual({ refused, lost, skipped }, { refused: {}, lost: 0, skipped: 0 }, 'the others were refused');
    assert.ok(read + accepted > (OTHERS_PER_SECOND * durationMs) / 2000, 'the others hardly asked');
    return latency.p99Ms;
  }

  async close(): Promise<void> {
    this.#api.close();
    await Promise.all([this.#asker.close(), ...this.#crowds.map((crowd) => crowd.close())]);
    await this.#server.dispose();
  }
}

interface Storm {
  readonly result: CrowdResult;
  readonly quietP99Ms: number;
  readonly stormP99Ms: number;
  readonly neighbours: number;
}

async function stormOnce(world: StormWorld, boundMs: number): Promise<Storm> {
  await world.restart();
  // Their tokens are known again, and what they call was called before.
  await world.askAround(QUIET_MS);
  const neighboursUntilNow = watchNeighbours();
  const quietP99Ms = await world.askAround(QUIET_MS);
  // Of the whole storm if it is a short one, and of the first of it, when all come at once, if it is a long one.
  const [stormP99Ms, result] = await Promise.all([
    world.askAround(Math.min(boundMs, 2 * QUIET_MS)),
    world.enter(Number.MAX_SAFE_INTEGER, 4 * boundMs),
  ]);
  return { result, quietP99Ms, stormP99Ms, neighbours: neighboursUntilNow() };
}

const isShort = ({ quietP99Ms, stormP99Ms }: Storm) => stormP99Ms <= Math.max(WAIT_RATIO_REACH * quietP99Ms, FLOOR_MS);
const tellsNothing = ({ quietP99Ms, neighbours }: Storm) => neighbours > NEIGHBOURS_MAX || quietP99Ms > BUSY_MS;

for (const listener of LISTENERS) {
  describe(`${SESSIONS} idle sessions (${listener})`, { timeout: 1_800_000 }, () => {
    test('cost little, and all come back at once after a kill, while others are served', async () => {
      const raw = await RawArgon2.open(HASH_THREADS, COST);
      const hashesPerSecond = (await raw.verify(RATE_BUDGET_MS)) / (RATE_BUDGET_MS / 1000);
      await raw.close();
      const dictatedMs = (1000 * SESSIONS) / hashesPerSecond;
      const boundMs = SETTLE_FACTOR * dictatedMs + BACKOFF_TAIL_MS;
      const world = await StormWorld.open(listener);
      try {
        await world.gather();
        const before = world.residentMib;
        const opened = await world.enter(OPENING_MAX, 10 * boundMs);
        assert.equal(opened.live, SESSIONS);
        await pause(IDLE_MS);
        assert.equal(await world.live(), SESSIONS, 'an idle session ended');
        const eachKib = ((world.residentMib - before) * 1024) / SESSIONS;
        console.log(
          `${listener}: ${SESSIONS} sessions opened in ${opened.settledMs.toFixed(0)} ms, ${eachKib.toFixed(1)} KiB each; ` +
            `${hashesPerSecond.toFixed(0)} hashes per second, so ${dictatedMs.toFixed(0)} ms for all`,
        );
        await storms(world, listener, boundMs);
      } finally {
        await world.close();
      }
    });
  });
}

/** Storms until the others hardly noticed one (the reach), of which each must be over in time. */
async function storms(world: StormWorld, listener: string, boundMs: number): Promise<void> {
  const seen: Storm[] = [];
  while (seen.length < STORMS_MAX && !seen.some(isShort)) {
    const storm = await stormOnce(world, boundMs);
    seen.push(storm);
    const { result, quietP99Ms, stormP99Ms, neighbours } = storm;
    console.log(
      `${listener}: storm of ${SESSIONS}: settled in ${result.settledMs.toFixed(0)} ms of ${boundMs.toFixed(0)}, ` +
        `${result.attempts} attempts, refused ${JSON.stringify(result.refused)}, told to wait at most ${result.toldMsMax} ms; ` +
        `others' p99 ${quietP99Ms.toFixed(1)}/${stormP99Ms.toFixed(1)} ms (${(100 * neighbours).toFixed(0)} %)`,
    );
    assert.deepEqual(result.untimed, {}, 'somebody was refused without a time to retry');
    assert.equal(result.live, SESSIONS, 'somebody did not come back');
    if (neighbours <= NEIGHBOURS_MAX) {
      assert.ok(
        result.settledMs <= boundMs,
        `the storm took ${result.settledMs.toFixed(0)} ms of ${boundMs.toFixed(0)}`,
      );
    }
  }
  if (seen.some(isShort)) return;
  const leastMs = Math.min(...seen.map(({ stormP99Ms }) => stormP99Ms));
  const ratio = Math.min(...seen.map(({ quietP99Ms, stormP99Ms }) => stormP99Ms / quietP99Ms));
  console.log(
    `${listener}: the others waited ${ratio.toFixed(1)} times as long; to reach: at most ${WAIT_RATIO_REACH}`,
  );
  if (seen.some(tellsNothing)) console.log(`${listener}: this machine is too busy for the waits to be judged`);
  else assert.ok(leastMs <= WAIT_MS_MAX, `the others waited at least ${leastMs.toFixed(0)} ms`);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function merged(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const one of counts) for (const [what, count] of Object.entries(one)) all[what] = (all[what] ?? 0) + count;
  return all;
}
