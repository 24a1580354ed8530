// Raw LMDB
//
// What the store's own library makes durable, without anything of ours: its asynchronous puts, which it groups by itself,
// each caller waiting until its put is flushed.

import { mkdirSync } from 'node:fs';
import { open } from 'lmdb';

export class RawLmdb {
  readonly #database;

  /** `directory` is made when it is not there. `sequential`: keys are numbers that only grow, or else texts. */
  constructor(directory: string, sequential: boolean) {
    mkdirSync(directory, { recursive: true });
    this.#database = open<Uint8Array, string | number>({
      path: directory,
      noSubdir: false,
      encoding: 'binary',
      keyEncoding: sequential ? 'uint32' : 'ordered-binary',
      cache: false,
      compression: false,
    });
  }

  /** All of them are durable when it resolves. */
  async putAll(keys: readonly (string | number)[], value: Uint8Array): Promise<void> {
    for (const key of keys) void this.#database.put(key, value);
    await this.#database.flushed;
  }

  count(): number {
    return this.#database.getKeysCount();
  }

  /** The value of each key that there is. */
  values(): Uint8Array[] {
    return Array.from(this.#database.getRange(), ({ value }) => value);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
