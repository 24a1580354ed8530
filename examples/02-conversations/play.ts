// Play
//
// Plays conversations as agents that talk through several client processes, while the server is killed with -9 at random
// instants and started again on the same directory and port. Then calls everyone off, empties every inbox, and has what
// was seen judged by checker.ts.
//
// Owns:     the server's life, the clients, the data directory.
// Does not: judge (checker.ts), or speak for an agent (speaker.ts).
//
// Y1. The same seed gives the same casting and the same waits between kills; what is under way when a kill strikes is
//     up to the machine.
// Y2. However a play ends, its processes are gone and its directory removed, unless something was found and it is to be
//     kept: then it is named.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Casting, castRoles } from './casting.js';
import { checkRun, type Finding } from './checker.js';
import { ClientHandle } from './client-handle.js';
import type { Conversation } from './conversations.js';
import type { Observation, Read, Write } from './observation.js';
import { type Random, seededRandom } from './random.js';
import { recountState } from './recount.js';
import { ServerProcess } from './server-process.js';
import { pause, TroupeApi } from './troupe-api.js';

export interface PlayOptions {
  readonly mainFile: string;
  readonly conversations: readonly Conversation[];
  readonly seed: number;
  readonly kills: number;
  readonly clientProcesses: number;
  /** Between two kills, also ask the server this many times to replace a worker. */
  readonly replacementsPerLife: number;
  /** Every other kill strikes while the server starts, recovering what the kill before it left. */
  readonly killWhileStarting?: boolean;
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Keeps the data directory of a play that found something. */
  readonly keepData?: boolean;
  readonly say?: (line: string) => void;
}

export interface PlayResult {
  readonly findings: readonly Finding[];
  readonly kills: number;
  readonly replacements: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly writes: number;
  readonly restartMsMedian: number;
  readonly restartMsMax: number;
}

/** From the moment a server says that it is ready to its end. */
const LIFE_MS_MIN = 20;
const LIFE_MS_MAX = 800;
/** From the spawn to a kill that is to strike while it starts, which takes some hundred milliseconds. */
const START_KILL_MS_MIN = 100;
const START_KILL_MS_MAX = 600;

/** No limits, as the agents talk faster than people; any response passes the gate; room for all that is not yet read. */
const PLAY_SETTINGS = {
  'limits.message_send_per_min': 0,
  'limits.message_read_per_min': 0,
  'limits.state_read_per_min': 0,
  'limits.state_write_per_min': 0,
  'limits.registry_read_per_min': 0,
  'limits.operator_registration_per_hour': 0,
  'verification.gate': 'none',
  'messaging.inbox_messages_max': 1_000_000,
  'messaging.inbox_bytes_max': 1_073_741_824,
  'log.level': 'warn',
} as const;

const NOTHING_SEEN: Observation = { sent: [], inboxes: [], writes: [], reads: [], additions: [] };

/** Rejects when the server does not start the first time. Everything else that goes wrong comes back as findings. */
export async function play(options: PlayOptions): Promise<PlayResult> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'troupe-play-'));
  const settings = { ...PLAY_SETTINGS, ...options.settings };
  const server = new ServerProcess({ mainFile: options.mainFile, dataDirectory, settings });
  const clients = Array.from({ length: options.clientProcesses }, () => new ClientHandle());
  let clean = false;
  try {
    const result = await new Play(options, server, clients).run();
    clean = result.findings.length === 0;
    return result;
  } finally {
    await Promise.all([server.dispose(), ...clients.map((client) => client.dispose())]);
    if (options.keepData && !clean) options.say?.(`The data directory is kept: ${dataDirectory}`);
    else rmSync(dataDirectory, { recursive: true, force: true });
  }
}

class Play {
  readonly #options: PlayOptions;
  readonly #server: ServerProcess;
  readonly #clients: readonly ClientHandle[];
  readonly #random: Random;
  readonly #restartsMs: number[] = [];
  #kills = 0;
  #replacements = 0;

  constructor(options: PlayOptions, server: ServerProcess, clients: readonly ClientHandle[]) {
    this.#options = options;
    this.#server = server;
    this.#clients = clients;
    this.#random = seededRandom(options.seed);
  }

  /** Once the server has started, whatever breaks the play off is a finding too. */
  async run(): Promise<PlayResult> {
    await this.#server.start();
    try {
      return await this.#playToTheEnd();
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return this.#result([{ kind: 'broken_off', text }], NOTHING_SEEN);
    }
  }

  async #playToTheEnd(): Promise<PlayResult> {
    const api = new TroupeApi(this.#server.url);
    const speakers = this.#options.conversations.flatMap(({ speakers }) => speakers);
    const casting = castRoles(this.#options.conversations, await api.register(speakers.length), this.#random);
    await this.#all((client, index) =>
      client.order({ kind: 'start', url: this.#server.url, roles: this.#share(casting, index) }),
    );
    while (this.#kills < this.#options.kills) await this.#killOnce();
    await this.#live();
    await this.#all((client) => client.order({ kind: 'finish' }));
    const reports = await this.#all((client) => client.order({ kind: 'drain' }));
    const observations = reports.map((report) => (report.kind === 'report' ? report.observation : null));
    return await this.#judge(api, casting, merge(observations.filter((one) => one !== null)));
  }

  async #killOnce(): Promise<void> {
    await this.#live();
    await this.#server.kill();
    this.#kills++;
    if (this.#options.killWhileStarting === true) {
      await this.#server.startAndKill(this.#random.between(START_KILL_MS_MIN, START_KILL_MS_MAX));
      this.#kills++;
    }
    const restartMs = await this.#server.start();
    this.#restartsMs.push(restartMs);
    this.#options.say?.(`kill ${this.#kills} of ${this.#options.kills}, ready again after ${Math.round(restartMs)} ms`);
  }

  /** Lets the server live for a while, and replaces workers in it when asked to. */
  async #live(): Promise<void> {
    const lifeMs = this.#random.between(LIFE_MS_MIN, LIFE_MS_MAX);
    const parts = this.#options.replacementsPerLife + 1;
    for (let part = 1; part <= parts; part++) {
      await pause(lifeMs / parts);
      if (part < parts) await this.#replaceWorker();
    }
    this.#server.assertRunning();
    for (const client of this.#clients) if (client.failure !== null) throw client.failure;
  }

  async #replaceWorker(): Promise<void> {
    const token = this.#server.adminToken;
    if (token === null) throw new Error('The server printed no admin token at its first start');
    const call = { method: 'POST', path: '/admin/workers/0/replace', token, body: {} } as const;
    const outcome = await new TroupeApi(this.#server.url).attempt(call);
    const status = outcome.kind === 'reply' ? outcome.reply.status : 0;
    if (status < 200 || status > 299) throw new Error(`A worker could not be replaced (status ${status})`);
    this.#replacements++;
  }

  async #judge(api: TroupeApi, casting: Casting, observation: Observation): Promise<PlayResult> {
    const token = casting.roles[0]!.identity.token;
    const { recount, reads } = await recountState(api, token, casting.numberKeys);
    const absent = absentReads(observation.writes, reads);
    const findings = checkRun({ ...observation, reads: [...observation.reads, ...reads, ...absent] }, recount);
    const exitCode = await this.#server.stop();
    if (exitCode !== 0) throw new Error(`The server was asked to stop and exited with ${exitCode}`);
    const check = await this.#server.check();
    if (check.code !== 0) {
      findings.push({ kind: 'wrong_counter', text: `check exited with ${check.code}: ${check.output}` });
    }
    return this.#result(findings, observation);
  }

  #result(findings: readonly Finding[], observation: Observation): PlayResult {
    const unknown = observation.sent.filter(({ messageId }) => messageId === null).length;
    const sorted = this.#restartsMs.toSorted((a, b) => a - b);
    return {
      findings,
      kills: this.#kills,
      replacements: this.#replacements,
      acknowledged: observation.sent.length - unknown,
      unknown,
      writes: observation.writes.length,
      restartMsMedian: sorted[Math.floor(sorted.length / 2)] ?? 0,
      restartMsMax: sorted.at(-1) ?? 0,
    };
  }

  #share(casting: Casting, index: number): Casting['roles'] {
    return casting.roles.filter((_, place) => place % this.#clients.length === index);
  }

  async #all<Result>(run: (client: ClientHandle, index: number) => Promise<Result>): Promise<Result[]> {
    return await Promise.all(this.#clients.map(run));
  }
}

/** Keys that were written once and are no longer listed: read as absent, at the time of the listing. */
function absentReads(writes: readonly Write[], reads: readonly Read[]): Read[] {
  const present = new Set(reads.map(({ key }) => key));
  const absent = new Set(writes.map(({ key }) => key).filter((key) => !present.has(key)));
  return [...absent].map((key) => ({ key, value: null, startedAt: Infinity, endedAt: Infinity }));
}

function merge(parts: readonly Observation[]): Observation {
  return {
    sent: parts.flatMap((part) => part.sent),
    inboxes: parts.flatMap((part) => part.inboxes),
    writes: parts.flatMap((part) => part.writes),
    reads: parts.flatMap((part) => part.reads),
    additions: parts.flatMap((part) => part.additions),
  };
}
