// Server process
//
// A Troupe server as a process of its own, to be killed at any instant and started again on the same directory and
// port.
//
// Owns:     the child process, what it printed last, its port and admin token.
// Does not: decide when it dies (play.ts).
//
// V1. start() resolves when the server has said its address, and fails when it ends or is silent instead.
// V2. A server that ends without having been told to is an error, told by the next call.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { findFreePort } from './free-port.js';

export interface ServerOptions {
  /** The command line's main file: it understands `serve` and `check DIR`. */
  readonly mainFile: string;
  readonly dataDirectory: string;
  /** Config keys and values, passed by --set. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 20_000;
const OUTPUT_KEPT_CHARS = 4_000;

export class ServerProcess {
  readonly #options: ServerOptions;
  #child: ChildProcess | null = null;
  #port = 0;
  #adminToken: string | null = null;
  #output = '';
  #expectedEnd = false;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Of the process that was started last; undefined before the first start. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Printed by the first start only. */
  get adminToken(): string | null {
    return this.#adminToken;
  }

  /** Milliseconds from the spawn to the line that says the address (V1). */
  async start(): Promise<number> {
    const startedAt = performance.now();
    const child = await this.#spawn();
    const ready = new Promise<void>((resolve, reject) => {
      const deadline = setTimeout(() => reject(this.#failure('did not start in time')), START_TIMEOUT_MS);
      const heard = (chunk: string): void => {
        this.#output = (this.#output + chunk).slice(-OUTPUT_KEPT_CHARS);
        this.#adminToken ??= /ad_live_[0-9a-f]{64}/.exec(this.#output)?.[0] ?? null;
        if (!new RegExp(`${this.url}\\b`).test(this.#output)) return;
        clearTimeout(deadline);
        resolve();
      };
      child.stdout?.setEncoding('utf8').on('data', heard);
      child.stderr?.setEncoding('utf8').on('data', heard);
      child.once('exit', () => {
        clearTimeout(deadline);
        reject(this.#failure('ended before it was ready'));
      });
    });
    await ready;
    return performance.now() - startedAt;
  }

  /** Starts it and kills it -9 so long after, whether it is ready by then or not. */
  async startAndKill(afterMs: number): Promise<void> {
    const child = await this.#spawn();
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
    const [code, signal] = await ended;
    clearTimeout(timer);
    if (signal !== 'SIGKILL') throw this.#failure(`ended by itself with ${code} while it started`);
    this.#expectedEnd = true;
  }

  /** kill -9: nothing of the process runs after this instant. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM, and the code it exits with. Fails when it does not end in time. */
  async stop(): Promise<number | null> {
    return await this.#end('SIGTERM');
  }

  /** Ends the process if there is one, whatever its state. For clean-up. */
  async dispose(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Runs `check` over the directory and gives its exit code and what it printed. The server must be stopped. */
  async check(): Promise<{ readonly code: number | null; readonly output: string }> {
    const words = [this.#options.mainFile, 'check', this.#options.dataDirectory];
    const child = spawn(process.execPath, words, { env: plainEnvironment() });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output = (output + chunk).slice(-OUTPUT_KEPT_CHARS);
      });
    }
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  /** Throws when the server ended by itself (V2). */
  assertRunning(): void {
    const child = this.#child;
    const ended = child === null || child.exitCode !== null || child.signalCode !== null;
    if (ended && !this.#expectedEnd) throw this.#failure('ended by itself');
  }

  async #spawn(): Promise<ChildProcess> {
    const { mainFile, dataDirectory, settings, environment } = this.#options;
    if (this.#port === 0) this.#port = await findFreePort();
    const all = { ...settings, 'http.port': this.#port, data_dir: dataDirectory };
    const sets = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    this.#output = '';
    this.#expectedEnd = false;
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const env = { ...plainEnvironment(), ...environment };
    const child = spawn(process.execPath, [mainFile, 'serve', ...sets], { env, stdio: [...stdio] });
    this.#child = child;
    return child;
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    this.assertRunning();
    const child = this.#child;
    if (child === null) throw this.#failure('was never started');
    this.#expectedEnd = true;
    const ended = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const [code] = await ended;
    clearTimeout(deadline);
    return code;
  }

  #failure(what: string): Error {
    const child = this.#child;
    const end = child === null ? '' : ` (exit code ${child.exitCode}, signal ${child.signalCode})`;
    return new Error(`The server ${what}${end}. It last said:\n${this.#output}`);
  }
}

/** Without the variables that configure a server: only the settings given here count. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TROUPE_')));
}
