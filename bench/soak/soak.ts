// Measures: whether a server under a mixed load, at half of what it can take, with its workers replaced all the time, is
// after half an hour as it was after two minutes: memory, descriptors, threads.
//
//   npm run soak                     30 minutes
//   npm run soak -- --minutes 2      as long as said; 0.4 is the shortest that says anything
//   npm run soak -- --load full      as fast as it is answered, and no worker is replaced
//   npm run soak -- --json FILE      the samples also as JSON
//
// Does not measure: the peak (the first seconds only find out what half of it is), or the growth of the store: events are
// kept for ever.
//
// How to read it: one line for each period (a minute, or a twelfth of a shorter run), and below them the last third
// against the first. `anonMib` is the memory of the process itself; `fileMib` holds pages of the store, which the kernel
// takes back. At the end the store is checked, row by row. The exit code is 1 when something grew or the check found
// something.

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ServerProcess } from '../../examples/02-conversations/server-process.js';
import { type Identity, TroupeApi } from '../../examples/02-conversations/troupe-api.js';
import { Child } from '../harness/child.js';
import { readEnvironment } from '../harness/environment.js';
import {
  COUNTER_PLACE,
  type LoadPlan,
  type LoadRequest,
  type LoadResult,
  loadRequest,
} from '../harness/load-client.js';
import type { PacedPlan, PacedResult } from '../harness/paced-load.js';
import { readUsage } from '../harness/process-usage.js';
import { BENCH_SETTINGS } from '../harness/server-under-test.js';
import { flatnessLine, headLine, judgeFlatness, type SoakSample, sampleLine } from './soak-samples.js';

const AGENTS = 64;
const CONNECTIONS = 64;
const PERIOD_MS_MAX = 60_000;
const PERIODS_MIN = 12;
/** These come first and are thrown away: what a server needs, it takes then. */
const WARM_UP_PERIODS = 2;
const PEAK_MS = 4_000;
const MIB = 1024 ** 2;
const SETTINGS = { ...BENCH_SETTINGS, 'messaging.inbox_messages_max': 10_000, 'messaging.inbox_bytes_max': 67_108_864 };

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    load: { type: 'string', default: 'half' },
    json: { type: 'string' },
  },
});
const isFull = values.load === 'full';
if (!isFull && values.load !== 'half') throw new Error('--load takes half or full');
const totalMs = Number(values.minutes) * 60_000;
if (!(totalMs > 0)) throw new Error('--minutes takes a number above 0');
const periodMs = Math.min(PERIOD_MS_MAX, totalMs / PERIODS_MIN);

/** Of ten: three messages to a neighbour, two reads of the inbox, two writes, two reads, and one page of the registry. */
function mixedRequests(agents: readonly Identity[]): LoadRequest[] {
  return agents.flatMap(({ token }, place) => {
    const to = agents[(place + 1) % agents.length]!.address;
    const say = loadRequest('POST', '/v1/messages', token, { to, content: COUNTER_PLACE.padEnd(200, 'm') });
    const take = loadRequest('GET', '/v1/messages?limit=100', token, null);
    const write = loadRequest('PUT', `/v1/state/soak/${place}`, token, { value: COUNTER_PLACE.padEnd(200, 'v') });
    const read = loadRequest('GET', `/v1/state/soak/${place}`, token, null);
    const list = loadRequest('GET', '/v1/registry?limit=10', token, null);
    return [say, write, take, read, say, write, read, list, say, take];
  });
}

class Soak {
  readonly #server: ServerProcess;
  readonly #directory = mkdtempSync(join(tmpdir(), 'troupe-soak-'));
  readonly #load = new Child<LoadPlan, LoadResult>(join(import.meta.dirname, '..', 'harness', 'load-process.js'));
  readonly #paced = new Child<PacedPlan, PacedResult>(join(import.meta.dirname, '..', 'harness', 'paced-process.js'));
  #requests: readonly LoadRequest[] = [];
  #counter = 1;
  #adminToken = '';

  constructor() {
    const mainFile = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');
    this.#server = new ServerProcess({ mainFile, dataDirectory: this.#directory, settings: SETTINGS });
  }

  async open(): Promise<void> {
    await this.#server.start();
    this.#requests = mixedRequests(await new TroupeApi(this.#server.url).register(AGENTS));
    while (this.#server.adminToken === null) await pause(5);
    this.#adminToken = this.#server.adminToken;
  }

  /** Half of what the server takes when asked as fast as it answers. */
  async halfOfPeak(): Promise<number> {
    const plan = { port: this.#port, connections: CONNECTIONS, budgetMs: PEAK_MS, requests: this.#requests };
    const { accepted, elapsedMs, counterTo } = await this.#load.ask({ ...plan, counterFrom: this.#counter });
    this.#counter = counterTo;
    return (accepted / elapsedMs) * 500;
  }

  /** One period of load, in whose middle a worker is replaced, and after that the server is looked at. */
  async period(perSecond: number, startedAt: number): Promise<SoakSample> {
    return isFull ? await this.#fullPeriod(startedAt) : await this.#pacedPeriod(perSecond, startedAt);
  }

  async #fullPeriod(startedAt: number): Promise<SoakSample> {
    const plan = { port: this.#port, connections: CONNECTIONS, budgetMs: periodMs, requests: this.#requests };
    const [result, seen] = await Promise.all([
      this.#load.ask({ ...plan, counterFrom: this.#counter }),
      this.#look(startedAt),
    ]);
    this.#counter = result.counterTo;
    const { 503: unavailable = 0, ...others } = result.refused;
    if (Object.keys(others).length > 0) throw new Error(`Answers that nobody asked for: ${JSON.stringify(others)}`);
    return {
      ...seen,
      unavailable,
      perSecond: (result.accepted / result.elapsedMs) * 1000,
      p99Ms: result.latency.p99Ms,
    };
  }

  async #pacedPeriod(perSecond: number, startedAt: number): Promise<SoakSample> {
    const plan = {
      port: this.#port,
      connections: CONNECTIONS,
      perSecond,
      durationMs: periodMs,
      requests: this.#requests,
    };
    const [result, seen] = await Promise.all([
      this.#paced.ask({ ...plan, counterFrom: this.#counter }),
      this.#look(startedAt),
    ]);
    this.#counter = result.counterTo;
    const { 200: read = 0, 202: sent = 0, 503: unavailable = 0, ...others } = result.answered;
    // A worker that is replaced costs its callers a 503, and nobody a connection. Nothing else may fail.
    const strange = { ...others, ...(result.lost > 0 && { lost: result.lost }) };
    if (Object.keys(strange).length > 0) throw new Error(`Answers that nobody asked for: ${JSON.stringify(strange)}`);
    return { ...seen, unavailable, perSecond: ((read + sent) / result.elapsedMs) * 1000, p99Ms: result.latency.p99Ms };
  }

  /** What `troupe check` says of the store. The server is stopped for it. */
  async check(): Promise<{ readonly code: number | null; readonly output: string }> {
    await this.#server.stop();
    return await this.#server.check();
  }

  async close(): Promise<void> {
    await Promise.all([this.#load.close(), this.#paced.close(), this.#server.dispose()]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #port(): number {
    return Number(new URL(this.#server.url).port);
  }

  async #look(startedAt: number): Promise<Omit<SoakSample, 'perSecond' | 'p99Ms' | 'unavailable'>> {
    await pause(periodMs / 2);
    if (!isFull) await this.#admin('POST', '/admin/workers/0/replace');
    await pause(periodMs / 4);
    const askedAt = performance.now();
    const status = (await this.#admin('GET', '/admin/status')) as AdminStatus;
    const { anonMib, fileMib, descriptors, threads } = readUsage(this.#server.pid!);
    return {
      minute: (performance.now() - startedAt) / 60_000,
      anonMib,
      fileMib,
      descriptors,
      threads,
      behindMib: (status.journal?.unappliedBytes ?? 0) / MIB,
      segments: status.journal?.segmentsInUse ?? 0,
      diskMib: bytesUnder(this.#directory) / MIB,
      statusMs: performance.now() - askedAt,
      asksWaiting: status.asksWaiting,
      residentActors: status.workers.reduce((sum, worker) => sum + (worker?.residentActors ?? 0), 0),
      replacements: status.workerReplacements,
    };
  }

  async #admin(method: string, path: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#adminToken}`, 'content-type': 'application/json' };
    const response = await fetch(this.#server.url + path, { method, headers });
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`);
    return await response.json();
  }
}

interface AdminStatus {
  readonly asksWaiting: number;
  readonly workerReplacements: number;
  readonly journal: { readonly unappliedBytes: number; readonly segmentsInUse: number } | null;
  readonly workers: readonly ({ readonly residentActors: number } | null)[];
}

function bytesUnder(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

async function run(soak: Soak): Promise<boolean> {
  await soak.open();
  const perSecond = await soak.halfOfPeak();
  const environment = readEnvironment();
  console.log(
    (isFull
      ? `soak: ${values.minutes} minutes as fast as it is answered, in periods of ${(periodMs / 1000).toFixed(0)} s\n`
      : `soak: ${values.minutes} minutes at ${perSecond.toFixed(0)} requests per second, half of the peak, a worker replaced ` +
        `every ${(periodMs / 1000).toFixed(0)} s\n`) +
      `commit ${environment.commit}, Node ${environment.node}, ${environment.cores} cores, ${environment.cpu}, ${environment.at}\n`,
  );
  console.log(headLine());
  const samples: SoakSample[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < totalMs) {
    const sample = await soak.period(perSecond, startedAt);
    samples.push(sample);
    console.log(sampleLine(sample));
  }
  const flatness = judgeFlatness(samples.slice(WARM_UP_PERIODS));
  console.log(`\n${flatness.map(flatnessLine).join('\n')}`);
  const { code, output } = await soak.check();
  console.log(output.trim());
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ environment, perSecond, samples, flatness, check: code }, null, 2)}\n`,
    );
  }
  const isFlat = flatness.every((measure) => measure.isFlat);
  console.log(isFlat ? 'It is flat.' : 'It is not flat.');
  return isFlat && code === 0;
}

const soak = new Soak();
try {
  process.exitCode = (await run(soak)) ? 0 : 1;
} finally {
  await soak.close();
}
