// Aged server
//
// A real server process on synthetic data, in a folder of its own.
//
// Owns:     the folder, which is removed at the end, and the process.
// Does not: know what the data is (synthetic-data.ts).
//
// AS1. Nothing is written where there is not room for it: DISK_BYTES_SPARE stay free.

import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '../../examples/02-conversations/server-process.js';
import { type ProcessUsage, readUsage } from '../harness/process-usage.js';
import { BENCH_SETTINGS, type ServerSettings } from '../harness/server-under-test.js';
import { type SyntheticData, type SyntheticPlan, writeSyntheticData } from './synthetic-data.js';

const DISK_BYTES_SPARE = 4 * 1024 ** 3;
/** What rows take on the disk, with what LMDB adds. */
const BYTES_PER_AGENT = 1_200;
const BYTES_PER_EVENT = 320;
const BYTES_PER_STATE_KEY = 400;
/** A message of more than half a page takes whole pages. */
const BYTES_PER_MESSAGE = 6_000;

export class AgedServer {
  readonly data: SyntheticData;
  readonly #home: string;
  readonly #process: ServerProcess;

  private constructor(home: string, data: SyntheticData, settings: ServerSettings) {
    this.#home = home;
    this.data = data;
    const mainFile = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');
    this.#process = new ServerProcess({
      mainFile,
      dataDirectory: join(home, 'data'),
      settings: { ...BENCH_SETTINGS, ...settings },
    });
  }

  /** Writes the data, and starts nothing yet. `settings` over those of every bench. */
  static prepare(plan: SyntheticPlan, settings: ServerSettings = {}): AgedServer {
    const home = mkdtempSync(join(tmpdir(), 'troupe-aged-'));
    try {
      checkDisk(home, plan);
      return new AgedServer(home, writeSyntheticData(join(home, 'data'), plan), settings);
    } catch (error) {
      rmSync(home, { recursive: true, force: true });
      throw error;
    }
  }

  /** The data directory. */
  get directory(): string {
    return join(this.#home, 'data');
  }

  get url(): string {
    return this.#process.url;
  }

  get port(): number {
    return Number(new URL(this.#process.url).port);
  }

  /** Milliseconds from the spawn to the line that says the address. */
  start(): Promise<number> {
    return this.#process.start();
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  usage(): ProcessUsage {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error('The server was not started');
    return readUsage(pid);
  }

  async close(): Promise<void> {
    await this.#process.dispose();
    rmSync(this.#home, { recursive: true, force: true });
  }
}

function checkDisk(folder: string, plan: SyntheticPlan): void {
  const { bavail, bsize } = statfsSync(folder);
  const messages = plan.agents * plan.messagesPerAgent * (plan.messageBytes + BYTES_PER_MESSAGE);
  const rows = plan.agents * BYTES_PER_AGENT + plan.events * BYTES_PER_EVENT + plan.stateKeys * BYTES_PER_STATE_KEY;
  const gib = (bytes: number) => (bytes / 1024 ** 3).toFixed(1);
  const [free, needed] = [bavail * bsize, messages + rows + DISK_BYTES_SPARE];
  if (free < needed) throw new Error(`${folder} has ${gib(free)} GiB free; this bench needs ${gib(needed)} GiB`);
}
