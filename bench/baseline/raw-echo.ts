// Raw echo
//
// What one question to another thread costs at least: a number there and back by postMessage.

import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Asks how many it has answered. */
export const COUNT = 'count';

export class RawEcho {
  readonly #thread: Worker;
  #answered: (value: number) => void = () => undefined;

  private constructor(thread: Worker) {
    this.#thread = thread;
    thread.on('message', (value: number) => this.#answered(value));
  }

  static async open(): Promise<RawEcho> {
    const thread = new Worker(join(import.meta.dirname, 'raw-echo-thread.js'));
    await once(thread, 'message');
    return new RawEcho(thread);
  }

  /** One at a time. */
  ask(value: number | typeof COUNT): Promise<number> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#thread.postMessage(value);
    });
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}
