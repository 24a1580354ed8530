// Raw argon2
//
// What the processor allows: threads that do nothing but verify hashes, each on its own, with no queue, no server and
// nobody who waits for one of them.

import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passes: number;
}

export type ThreadSaid = { readonly kind: 'ready' } | { readonly kind: 'verified'; readonly count: number };

export class RawArgon2 {
  readonly #threads: readonly Worker[];

  private constructor(threads: readonly Worker[]) {
    this.#threads = threads;
  }

  static async open(threadCount: number, cost: Argon2Cost): Promise<RawArgon2> {
    const file = join(import.meta.dirname, 'raw-argon2-thread.js');
    const threads = Array.from({ length: threadCount }, () => new Worker(file, { workerData: cost }));
    await Promise.all(threads.map((thread) => once(thread, 'message')));
    return new RawArgon2(threads);
  }

  /** How many all threads together verify within the budget. */
  async verify(budgetMs: number): Promise<number> {
    const counts = this.#threads.map(async (thread) => {
      thread.postMessage(budgetMs);
      const [said] = (await once(thread, 'message')) as [ThreadSaid];
      return said.kind === 'verified' ? said.count : 0;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}
