// Session chaos
//
// Agents that talk to each other over sessions, through a network that cuts and stalls them, while the server is killed
// with -9 and its workers are replaced.
//
//     agents ──▶ proxy (session-proxy.ts) ──▶ server
//       └── ledger ──▶ checker
//
// Owns:     the server's life, the proxy, the agents, when which blow strikes.
// Does not: judge (session-checker.ts), or speak for an agent (session-speaker.ts).
//
// H1. Blows are spread evenly over the messages: one strikes when its share of them is acknowledged, so that a slow machine
//     is struck as often as a quick one, and always under load.
// H2. It ends when all is acknowledged and has arrived, or when nothing more has happened for long: the checker says
//     what is missing then.
// H3. However it ends, its processes, its sockets and its directory are gone.
// H4. The SDK draws from Math.random where it waits before it connects again, up to half a minute where it failed a few
//     times. While a run lasts that gives small numbers, out of the seed: it waits as often, and not as long.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ServerProcess } from '../../examples/02-conversations/server-process.js';
import { type Identity, TroupeApi } from '../../examples/02-conversations/troupe-api.js';
import { Random } from '../fuzz/random.js';
import { checkSessions, type SessionFinding } from './session-checker.js';
import { type Manner, SessionClient } from './session-client.js';
import { SessionLedger } from './session-ledger.js';
import type { SessionLine } from './session-line.js';
import { type ProxyFigures, SessionProxy } from './session-proxy.js';
import { SdkLine } from './session-sdk.js';
import { speak } from './session-speaker.js';

export interface ChaosOptions {
  readonly mainFile: string;
  readonly seed: number;
  readonly agents: number;
  readonly messages: number;
  readonly kills: number;
  readonly replacements: number;
  readonly listener: 'uws' | 'node';
  /** Of ten agents so many speak through the SDK. */
  readonly sdkOfTen: number;
  /** Connections are left alone. */
  readonly calm?: boolean;
  /** How long nothing happens before it is over (H2); QUIET_MS_MAX when absent. */
  readonly quietMs?: number;
  readonly say?: (line: string) => void;
}

export interface ChaosResult {
  readonly findings: readonly SessionFinding[];
  readonly acknowledged: number;
  readonly arrived: number;
  readonly repeats: number;
  readonly kills: number;
  readonly replacements: number;
  readonly elapsedMs: number;
  readonly proxy: ProxyFigures;
}

const WORKERS = 2;
const PARTNERS = 5;
const DEPTHS = [1, 1, 4];
const WINDOWS = [1, 8, 64, 1024];
const LOOK_EVERY_MS = 10;
/** Longer than the longest wait of a client between two connections. */
const QUIET_MS_MAX = 45_000;
const REGISTRATIONS_AT_ONCE = 8;
/** How much shorter the waits of the SDK are (H4). */
const JITTER_DIVISOR = 20;
const JITTER_STEPS = 1 << 20;
const JITTER_STREAM = 1 << 24;

const SETTINGS = {
  workers: WORKERS,
  'verification.gate': 'none',
  'auth.argon2_memory_kib': 8,
  'auth.argon2_passes': 1,
  'limits.message_send_per_min': 0,
  'limits.message_read_per_min': 0,
  'limits.operator_registration_per_hour': 0,
  'messaging.inbox_messages_max': 1_000_000,
  'messaging.inbox_bytes_max': 1_073_741_824,
  'log.level': 'warn',
};

type Blow = 'kill' | 'replace';

/** Rejects when the server does not start the first time, or ends by itself. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'troupe-chaos-'));
  const settings = { ...SETTINGS, 'http.listener': options.listener };
  const server = new ServerProcess({ mainFile: options.mainFile, dataDirectory, settings });
  let proxy: SessionProxy | undefined;
  let chaos: Chaos | undefined;
  const { random } = Math;
  const jitter = new Random(options.seed, JITTER_STREAM);
  Math.random = () => jitter.below(JITTER_STEPS) / JITTER_STEPS / JITTER_DIVISOR;
  try {
    await server.start();
    proxy = await SessionProxy.open(() => Number(new URL(server.url).port), options.seed);
    if (options.calm === true) proxy.calm();
    chaos = new Chaos(options, server, proxy);
    return await chaos.run();
  } finally {
    Math.random = random;
    chaos?.close();
    await Promise.all([proxy?.close(), server.dispose()]);
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

class Chaos {
  readonly #options: ChaosOptions;
  readonly #server: ServerProcess;
  readonly #proxy: SessionProxy;
  readonly #random: Random;
  readonly #ledger = new SessionLedger();
  readonly #lines: SessionLine[] = [];
  #kills = 0;
  #replacements = 0;
  #broken: Error | undefined;

  constructor(options: ChaosOptions, server: ServerProcess, proxy: SessionProxy) {
    this.#options = options;
    this.#server = server;
    this.#proxy = proxy;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<ChaosResult> {
    const { messages } = this.#options;
    const startedAt = performance.now();
    const identities = await this.#register();
    this.#lines.push(...identities.map((identity, index) => this.#open(identity, index)));
    const lines = this.#lines;
    const speaking = Promise.all(lines.map((line, index) => this.#speak(line, index, identities)));
    // Told by the next look (H2).
    speaking.catch((error: unknown) => {
      this.#broken = error instanceof Error ? error : new Error(String(error));
    });
    await this.#strike();
    await this.#progress(() => this.#ledger.acknowledged >= messages);
    this.#proxy.calm();
    await this.#progress(() => this.#ledger.arrived >= messages);
    const findings = checkSessions(this.#ledger);
    // What is lost would be waited for again.
    if (findings.length === 0) findings.push(...(await this.#end(lines, identities)));
    const { acknowledged, arrived, inboxes } = this.#ledger;
    return {
      findings,
      acknowledged,
      arrived,
      repeats: inboxes.reduce((sum, { repeats }) => sum + repeats.length, 0),
      kills: this.#kills,
      replacements: this.#replacements,
      elapsedMs: performance.now() - startedAt,
      proxy: this.#proxy.figures,
    };
  }

  close(): void {
    for (const line of this.#lines) line.abandon();
  }

  async #register(): Promise<Identity[]> {
    const api = new TroupeApi(this.#server.url);
    const lots = Array.from({ length: REGISTRATIONS_AT_ONCE }, (_, lot) =>
      api.register(Math.floor((this.#options.agents + lot) / REGISTRATIONS_AT_ONCE)),
    );
    return (await Promise.all(lots)).flat();
  }

  #open({ address, token }: Identity, index: number): SessionLine {
    const ledger = this.#ledger;
    const inbox = ledger.inbox(address);
    const random = new Random(this.#options.seed, index + 1);
    const window = random.pick(WINDOWS);
    const { port } = this.#proxy;
    if (index % 10 < this.#options.sdkOfTen) {
      const url = `http://127.0.0.1:${port}`;
      return new SdkLine({ url, address, token, window, manual: random.oneIn(2), ledger, inbox });
    }
    const manner: Manner = {
      msgpack: random.oneIn(2),
      authFrame: random.oneIn(2),
      remembers: !random.oneIn(3),
      window,
    };
    return new SessionClient({
      url: `ws://127.0.0.1:${port}/v1/session`,
      address,
      token,
      manner,
      random,
      ledger,
      inbox,
    });
  }

  #speak(line: SessionLine, index: number, identities: readonly Identity[]): Promise<void> {
    const { messages, agents } = this.#options;
    const partners = Array.from(
      { length: PARTNERS },
      (_, step) => identities[(index + 1 + step * 7) % agents]!.address,
    );
    const share = Math.floor(messages / agents) + (index < messages % agents ? 1 : 0);
    const depth = DEPTHS[index % DEPTHS.length]!;
    return speak(line, this.#ledger, {
      from: identities[index]!.address,
      partners: [...new Set(partners)],
      messages: share,
      depth,
    });
  }

  /** Each blow at its share of the messages (H1). */
  async #strike(): Promise<void> {
    const { kills, replacements, messages } = this.#options;
    const blows = spread(kills, replacements);
    for (const [index, blow] of blows.entries()) {
      const dueAt =
        (messages * (index + 0.5)) / (blows.length + 1) + this.#random.below(messages / (blows.length + 1) / 2);
      if (!(await this.#progress(() => this.#ledger.acknowledged >= dueAt))) return;
      if (blow === 'kill') await this.#kill();
      else await this.#replaceWorker();
    }
  }

  async #kill(): Promise<void> {
    await this.#server.kill();
    const restartMs = await this.#server.start();
    this.#kills++;
    const { acknowledged, arrived } = this.#ledger;
    this.#options.say?.(
      `kill ${this.#kills}: ${acknowledged} acknowledged, ${arrived} arrived, ready again after ${Math.round(restartMs)} ms`,
    );
  }

  async #replaceWorker(): Promise<void> {
    const token = this.#server.adminToken;
    if (token === null) throw new Error('The server printed no admin token at its first start');
    const path = `/admin/workers/${this.#replacements % WORKERS}/replace`;
    await new TroupeApi(this.#server.url).must({ method: 'POST', path, token, body: {} }, 200);
    this.#replacements++;
  }

  /** False when nothing more happens, long before it holds (H2). */
  async #progress(isEnough: () => boolean): Promise<boolean> {
    let [happened, since] = [-1, performance.now()];
    while (!isEnough()) {
      this.#server.assertRunning();
      if (this.#broken !== undefined) return false;
      const now = this.#ledger.acknowledged + this.#ledger.arrived;
      if (now !== happened) [happened, since] = [now, performance.now()];
      else if (performance.now() - since > (this.#options.quietMs ?? QUIET_MS_MAX)) return false;
      await pause(LOOK_EVERY_MS);
    }
    return true;
  }

  /** All sessions are closed. What was acknowledged is gone from the inboxes then, and nothing else was there. */
  async #end(lines: readonly SessionLine[], identities: readonly Identity[]): Promise<SessionFinding[]> {
    await Promise.all(lines.map((line) => line.close()));
    const api = new TroupeApi(this.#server.url);
    const findings: SessionFinding[] = [];
    for (const [index, { address, token }] of identities.entries()) {
      // The SDK says nothing of when its last acknowledgement has arrived.
      if (lines[index] instanceof SdkLine) continue;
      const { body } = await api.must({ method: 'GET', path: '/v1/messages?limit=1', token }, 200);
      const [left] = body.messages as readonly { readonly message_id: string }[];
      if (left === undefined) continue;
      findings.push({ kind: 'duplicate', text: `${address} is given ${left.message_id} after it was acknowledged` });
    }
    const code = await this.#server.stop();
    const check = await this.#server.check();
    if (code !== 0) findings.push({ kind: 'breach', text: `the server was asked to stop and exited with ${code}` });
    if (check.code !== 0)
      findings.push({ kind: 'breach', text: `the check exited with ${check.code}: ${check.output}` });
    return findings;
  }
}

/** Both kinds, evenly mixed. */
function spread(kills: number, replacements: number): Blow[] {
  const blows: { readonly blow: Blow; readonly place: number }[] = [
    ...Array.from({ length: kills }, (_, i) => ({ blow: 'kill' as const, place: (i + 0.5) / kills })),
    ...Array.from({ length: replacements }, (_, i) => ({ blow: 'replace' as const, place: (i + 0.4) / replacements })),
  ];
  return blows.sort((a, b) => a.place - b.place).map(({ blow }) => blow);
}
