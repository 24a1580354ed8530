// Server process
//
// The real server as a process of its own, on a directory of its own, at any free port.
//
// Owns:     the process, the directory, what was printed.
// Does not: speak to it (troupe-api.ts).
//
// P1. start() resolves when the address was printed, and fails, with what was said, when the process ends instead.
// P2. No TROUPE_ variable of this environment reaches the server: it is told by the settings alone.
// P3. Whatever a test leaves behind, dispose() ends the process and removes the directory.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './expectations.js';
import { environmentWith, mainFile } from './troupe-command.js';

export type Settings = Readonly<Record<string, string | number>>;

export interface ServerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Tokens are hashed with the cheapest parameters, nothing is limited, and no challenge is in the way. */
const BASE: Settings = {
  'http.port': 0,
  workers: 1,
  'verification.gate': 'none',
  'auth.argon2_memory_kib': 8,
  'auth.argon2_passes': 1,
  'auth.hash_threads': 1,
  'limits.message_send_per_min': 0,
  'limits.message_read_per_min': 0,
  'limits.state_read_per_min': 0,
  'limits.state_write_per_min': 0,
  'limits.registry_read_per_min': 0,
  'limits.operator_registration_per_hour': 0,
};

const START_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 20_000;

export class ServerProcess {
  readonly #settings: Settings;
  readonly #engineFlags: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  readonly #mainFile: string;
  readonly #home: string;
  #child: ChildProcess | undefined;
  #ended: Promise<ServerEnd> = Promise.resolve({ code: null, signal: null });
  #stdout = '';
  #stderr = '';

  private constructor(
    settings: Settings,
    engineFlags: readonly string[],
    environment: Readonly<Record<string, string>>,
    main: string,
  ) {
    this.#settings = settings;
    this.#mainFile = main;
    this.#engineFlags = engineFlags;
    this.#environment = environment;
    this.#home = mkdtempSync(join(tmpdir(), 'troupe-test-'));
  }

  /** Starts a server with these settings over those of every test; `engineFlags` are told to Node, and `environment` too, in every life; `main` is the command of another build. */
  static async start(
    settings: Settings = {},
    engineFlags: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
    main = mainFile,
  ): Promise<ServerProcess> {
    const server = new ServerProcess(settings, engineFlags, environment, main);
    try {
      await server.startAgain();
      return server;
    } catch (error) {
      await server.dispose();
      throw error;
    }
  }

  /** A folder that is removed with the server: its data directory lies in it. */
  get home(): string {
    return this.#home;
  }

  get dataDirectory(): string {
    return join(this.#home, 'data');
  }

  /** Of this life. */
  get stdout(): string {
    return this.#stdout;
  }

  /** The log of this life. */
  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    assert.ok(pid !== undefined, 'the server was not started');
    return pid;
  }

  /** Of this life: a server that is started again has another port. */
  get url(): string {
    const url = /listening on (http:\S+)/.exec(this.#stdout)?.[1];
    assert.ok(url !== undefined, `the server has printed no address: ${this.#stdout}`);
    return url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** What the first life on a directory prints, after its address. */
  async adminToken(): Promise<string> {
    const printed = () => /ad_live_[0-9a-f]{64}/.exec(this.#stdout)?.[0];
    await until('the admin token is printed', () => printed() !== undefined);
    return printed()!;
  }

  /** The next life, on the same directory (P1). */
  async startAgain(settings: Settings = {}): Promise<void> {
    const all: Settings = { ...BASE, data_dir: this.dataDirectory, ...this.#settings, ...settings };
    const sets = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    this.#stdout = '';
    this.#stderr = '';
    const child = spawn(process.execPath, [...this.#engineFlags, this.#mainFile, 'serve', ...sets], {
      cwd: this.#home,
      env: environmentWith(this.#environment),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const killed = (): void => {
      child.kill('SIGKILL');
    };
    process.once('exit', killed);
    this.#ended = once(child, 'close').then(([code, signal]) => {
      process.off('exit', killed);
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
    await this.#ready(child);
  }

  #ready(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (what: string): void => {
        clearTimeout(late);
        reject(new Error(`The server ${what}. It said:\n${this.#stdout}${this.#stderr}`));
      };
      const late = setTimeout(() => failed('did not start in time'), START_TIMEOUT_MS);
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.#stderr += text;
      });
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        this.#stdout += text;
        // What every life prints; an admin token may follow.
        if (!/\ndata directory .*\n/.test(this.#stdout)) return;
        clearTimeout(late);
        resolve();
      });
      child.once('close', () => failed('ended before it was ready'));
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** How it ended. Fails when it does not in time. */
  async ended(): Promise<ServerEnd> {
    const late = new AbortController();
    const deadline = setTimeout(() => late.abort(), END_TIMEOUT_MS);
    try {
      const tooLate = once(late.signal, 'abort').then(() => {
        throw new Error(`The server does not end. It said:\n${this.#stdout}${this.#stderr}`);
      });
      return await Promise.race([this.#ended, tooLate]);
    } finally {
      clearTimeout(deadline);
    }
  }

  /** SIGTERM, and how it ended. */
  async stop(): Promise<ServerEnd> {
    this.signal('SIGTERM');
    return this.ended();
  }

  /** kill -9: nothing of it runs when this resolves. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended();
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#home, { recursive: true, force: true });
  }
}
