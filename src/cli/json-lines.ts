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
    await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]).catch(() => undefined);
    this.#mustBeRead();
  }

  #mustBeRead(): void {
    if (this.#error === undefined) return;
    throw this.#error.code === 'EPIPE' ? new NobodyReads() : this.#error;
  }
}
