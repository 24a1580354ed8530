// Raw LMDB
//
// The floor of the journal's bench: the same keys and values put into LMDB by hand, in transactions of a fixed size, each
// flushed before the next.

import { mkdirSync } from 'node:fs';
import { open } from 'lmdb';

export interface RawEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class RawLmdb {
  readonly #database;

  /** `directory` is made when it is not there. Opened with the same flags as the store. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#database = open<Uint8Array, Uint8Array>({
      path: directory,
      noSubdir: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      cache: false,
      compression: false,
      overlappingSync: false,
    });
  }

  /** One transaction; durable when it returns. */
  putAll(entries: readonly RawEntry[]): void {
    // A block body: what the callback returns would be awaited, and the flush with it.
    this.#database.transactionSync(() => {
      for (const { key, value } of entries) this.#database.putSync(key, value);
    });
  }

  count(): number {
    return this.#database.getKeysCount();
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
