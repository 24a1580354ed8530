// Broker process
//
// A message broker of the system's, started by a bench on a free port of loopback and a directory of its own, on the disk
// where the server under test has its own too.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findFreePort } from '../../examples/02-conversations/free-port.js';

export interface BrokerKind {
  readonly program: string;
  readonly words: (port: number, directory: string) => readonly string[];
  /** Is printed when it takes connections. */
  readonly readyText: string;
}

/** Every write is flushed before it is answered; nothing else is written to the disk. */
export const REDIS: BrokerKind = {
  program: 'redis-server',
  words: (port, directory) => [
    ...['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0'],
  ],
  readyText: 'Ready to accept connections',
};

export const NATS: BrokerKind = {
  program: 'nats-server',
  words: (port, directory) => ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', directory],
  readyText: 'Server is ready',
};

/** Where Debian puts servers, which the path of a user may leave out. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];
const START_TIMEOUT_MS = 15_000;

export class BrokerProcess {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #directory: string;

  private constructor(port: number, child: ChildProcess, directory: string) {
    this.port = port;
    this.#process = child;
    this.#directory = directory;
  }

  /** Undefined when its program is not installed. */
  static async start({ program, words, readyText }: BrokerKind): Promise<BrokerProcess | undefined> {
    const path = findProgram(program);
    if (path === undefined) return undefined;
    const port = await findFreePort();
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const child = spawn(path, words(port, directory), { stdio: ['ignore', 'pipe', 'pipe'] });
    const broker = new BrokerProcess(port, child, directory);
    process.once('exit', () => child.kill('SIGKILL'));
    try {
      await ready(child, program, readyText);
      return broker;
    } catch (error) {
      await broker.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function ready(child: ChildProcess, program: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const failed = (): void => reject(new Error(`${program} did not start: ${said}`));
    const late = setTimeout(failed, START_TIMEOUT_MS);
    const heard = (chunk: string): void => {
      // What it says later is read, and forgotten.
      if (said.includes(text)) return;
      said += chunk;
      if (!said.includes(text)) return;
      clearTimeout(late);
      resolve();
    };
    child.stdout?.setEncoding('utf8').on('data', heard);
    child.stderr?.setEncoding('utf8').on('data', heard);
    child.once('exit', failed);
  });
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
