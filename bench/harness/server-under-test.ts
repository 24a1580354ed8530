// Server under test
//
// A real server process, on a directory of its own, with agents registered on it and its limits off, and beside it the
// raw listener that answers what the server answered to the same request. Both are loaded by one and the same process: as
// fast as they answer, or at a pace.
//
// Tokens are hashed with the cheapest parameters there are: registration and the hash of a token every 30 s are not what
// these benches measure.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '../../examples/02-conversations/server-process.js';
import { type Identity, TroupeApi } from '../../examples/02-conversations/troupe-api.js';
import type { RawAnswer, RawListenerReady } from '../baseline/raw-listener.js';
import { Child } from './child.js';
import type { LoadPlan, LoadRequest, LoadResult } from './load-client.js';
import type { BenchCase, Sample, Subject } from './measure.js';
import type { PacedPlan, PacedResult } from './paced-load.js';

export type ServerSettings = Readonly<Record<string, string | number>>;

export const BENCH_SETTINGS = {
  'limits.message_send_per_min': 0,
  'limits.message_read_per_min': 0,
  'limits.state_read_per_min': 0,
  'limits.state_write_per_min': 0,
  'limits.registry_read_per_min': 0,
  'limits.operator_registration_per_hour': 0,
  'observe.requests_per_min': 0,
  'verification.gate': 'none',
  'auth.argon2_memory_kib': 8,
  'auth.argon2_passes': 1,
  'messaging.inbox_messages_max': 10_000_000,
  'messaging.inbox_bytes_max': 8 * 1024 ** 3,
  'state.capacity_bytes': 8 * 1024 ** 3,
  'log.level': 'warn',
} as const;

export const CONNECTIONS = [64, 512] as const;
/** Headers that the raw listener's own HTTP library writes. */
const OWN_HEADERS = new Set(['content-length', 'connection', 'keep-alive', 'date', 'transfer-encoding']);

export interface HttpQuestion {
  /** As many connections send these in turn. COUNTER_PLACE may stand in them. */
  readonly requests: readonly LoadRequest[];
  /** Sent once, to learn what the server answers. */
  readonly probe: { readonly method: string; readonly path: string; readonly token: string; readonly body?: object };
  readonly countFarEnd?: () => Promise<number>;
}

export interface Pace {
  readonly connections: number;
  readonly perSecond: number;
}

export class ServerUnderTest {
  readonly api: TroupeApi;
  readonly agents: readonly Identity[];
  readonly #server: ServerProcess;
  readonly #directory: string;
  readonly #load: Child<LoadPlan, LoadResult>;
  readonly #paced: Child<PacedPlan, PacedResult>;
  readonly #floor: Child<RawAnswer, RawListenerReady>;
  #counter = 1;

  private constructor(server: ServerProcess, directory: string, api: TroupeApi, agents: readonly Identity[]) {
    this.#server = server;
    this.#directory = directory;
    this.api = api;
    this.agents = agents;
    this.#load = new Child(join(import.meta.dirname, 'load-process.js'));
    this.#paced = new Child(join(import.meta.dirname, 'paced-process.js'));
    this.#floor = new Child(join(import.meta.dirname, '..', 'baseline', 'raw-listener.js'));
  }

  /** Starts a server and registers agents on it. Takes some seconds for hundreds. */
  static async open(
    agentCount: number,
    settings: ServerSettings = BENCH_SETTINGS,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ServerUnderTest> {
    const mainFile = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const server = new ServerProcess({ mainFile, dataDirectory: directory, settings, environment });
    try {
      await server.start();
      const api = new TroupeApi(server.url);
      return new ServerUnderTest(server, directory, api, await api.register(agentCount));
    } catch (error) {
      await server.dispose();
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get port(): number {
    return Number(new URL(this.#server.url).port);
  }

  get pid(): number {
    const { pid } = this.#server;
    if (pid === undefined) throw new Error('The server was not started');
    return pid;
  }

  /** Asks as fast as it is answered, on so many connections. */
  sample(question: HttpQuestion, connections: number, budgetMs: number): Promise<Sample> {
    return this.#sample(this.port, connections, budgetMs, question);
  }

  /** Another process on the same directory and port: nothing is in its memory that is not in the store. */
  async restart(): Promise<void> {
    await this.#server.stop();
    await this.#server.start();
  }

  /** One case for each count of connections: the server, and the floor that answers the same. */
  async cases(question: HttpQuestion): Promise<BenchCase[]> {
    const ready = await this.#floor.ask(await this.#probe(question));
    return CONNECTIONS.map((connections) => ({
      name: `${connections} connections`,
      floor: {
        name: ready.adapter === 'uws' ? 'raw listener' : 'raw listener (node:http)',
        run: (budgetMs) => this.#sample(ready.port, connections, budgetMs, question),
      },
      subjects: [
        {
          name: 'troupe',
          run: (budgetMs) => this.#sample(this.port, connections, budgetMs, question),
          ...(question.countFarEnd === undefined ? {} : { countFarEnd: question.countFarEnd }),
        },
      ],
    }));
  }

  /** How many it answers in a second when each of the connections asks again as soon as it is answered. */
  async peak(question: HttpQuestion, connections: number, budgetMs: number): Promise<number> {
    const { operations, elapsedMs } = await this.#sample(this.port, connections, budgetMs, question);
    return (operations / elapsedMs) * 1000;
  }

  /** The server and the raw listener, asked at the same pace. */
  async pacedSubjects(
    question: HttpQuestion,
    pace: Pace,
  ): Promise<{ readonly server: Subject; readonly raw: Subject }> {
    const ready = await this.#floor.ask(await this.#probe(question));
    return {
      raw: {
        name: 'raw listener at the same pace',
        run: (budgetMs) => this.#paceOn(ready.port, question, pace, budgetMs),
      },
      server: {
        name: `troupe at ${Math.round(pace.perSecond).toLocaleString('en-US')} a second`,
        run: (budgetMs) => this.pace(question, pace, budgetMs),
        ...(question.countFarEnd === undefined ? {} : { countFarEnd: question.countFarEnd }),
      },
    };
  }

  /** Asks the server at a pace. Throws unless every request that was due was sent, and answered by a 2xx. */
  pace(question: HttpQuestion, pace: Pace, durationMs: number): Promise<Sample> {
    return this.#paceOn(this.port, question, pace, durationMs);
  }

  async close(): Promise<void> {
    await Promise.all([this.#load.close(), this.#paced.close(), this.#floor.close(), this.#server.dispose()]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #sample(port: number, connections: number, budgetMs: number, question: HttpQuestion): Promise<Sample> {
    const plan = { port, connections, budgetMs, requests: question.requests, counterFrom: this.#counter };
    const result = await this.#load.ask(plan);
    this.#counter = result.counterTo;
    const refused = Object.entries(result.refused);
    if (refused.length > 0) throw new Error(`Refused, by status: ${JSON.stringify(refused)}`);
    return { operations: result.accepted, elapsedMs: result.elapsedMs, latency: result.latency };
  }

  async #paceOn(port: number, { requests }: HttpQuestion, pace: Pace, durationMs: number): Promise<Sample> {
    const result = await this.#paced.ask({ ...pace, port, durationMs, requests, counterFrom: this.#counter });
    this.#counter = result.counterTo;
    const { answered, lost, skipped, elapsedMs, latency } = result;
    const strange = Object.entries(answered).filter(([status]) => !status.startsWith('2'));
    if (strange.length > 0 || lost > 0 || skipped > 0) {
      throw new Error(`Refused, by status: ${JSON.stringify(strange)}; ${lost} lost, ${skipped} due but not sent`);
    }
    return { operations: Object.values(answered).reduce((sum, count) => sum + count, 0), elapsedMs, latency };
  }

  async #probe({ probe }: HttpQuestion): Promise<RawAnswer> {
    const response = await fetch(this.#server.url + probe.path, {
      method: probe.method,
      headers: { authorization: `Bearer ${probe.token}`, 'content-type': 'application/json' },
      ...(probe.body === undefined ? {} : { body: JSON.stringify(probe.body) }),
    });
    if (!response.ok) throw new Error(`${probe.method} ${probe.path} was answered ${response.status}`);
    const headers = [...response.headers].filter(([name]) => !OWN_HEADERS.has(name));
    return { status: response.status, headers, body: await response.text() };
  }
}
