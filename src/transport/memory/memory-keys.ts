// Memory keys
//
// The API keys of the config, of which only digests are kept.
//
// MK1. Looking for a key takes the same time whichever it is, and whether it is one.

import { createHash, timingSafeEqual } from 'node:crypto';

export interface MemoryKey {
  /** Names it in the table of limits; no secret. */
  readonly id: string;
  /** The only tenant that it is good for; null: any. */
  readonly tenant: string | null;
}

interface KnownKey extends MemoryKey {
  readonly digest: Buffer;
}

export class MemoryKeys {
  readonly #known: readonly KnownKey[];

  /** As in the config: `key`, or `key@tenant`. */
  constructor(configured: readonly string[]) {
    this.#known = configured.map((item, index) => {
      const at = item.indexOf('@');
      const key = at === -1 ? item : item.slice(0, at);
      return { id: String(index), tenant: at === -1 ? null : item.slice(at + 1), digest: digestOf(key) };
    });
  }

  /** False: whoever reaches the server may use it. */
  get areNeeded(): boolean {
    return this.#known.length > 0;
  }

  /** The key that a client gave, if it is one (MK1). */
  find(given: string): MemoryKey | undefined {
    const digest = digestOf(given);
    let found: MemoryKey | undefined;
    for (const known of this.#known) {
      if (timingSafeEqual(digest, known.digest)) found = known;
    }
    return found;
  }
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
