// JSON lines: what a command writes one line after the other, as fast as they are read.

import { once } from 'node:events';

/** Thrown when nobody reads any more: the command has done its work. */
export class NobodyReads extends Error {
  override readonly name = 'NobodyReads';
}

export class JsonLines {
  #error: NodeJS.ErrnoException | undefined;

  constructor() {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error;
    });
  }

  /** Resolves when there is room for more. */
  async write(lines: readonly string[]): Promise<void> {
    this.#mustBeRead();
    if (lines.length === 0 || process.stdout.write(`${lines.join('\n')}\n`)) return;
    const over = new AbortController();
    const { signal } = over;
    const settled = [once(process.stdout, 'drain', { signal }), once(process.stdout, 'close', { signal })];
    await Promise.race(settled).catch(() => undefined);
    // The one that did not come must not go on listening.
    for (const one of settled) one.catch(() => undefined);
    over.abort();
    this.#mustBeRead();
  }

  #mustBeRead(): void {
    if (this.#error === undefined) return;
    throw this.#error.code === 'EPIPE' ? new NobodyReads() : this.#error;
  }
}
