// Watching
//
// Who is told of the changes in one partition: one follower, and the prefixes that it wants.
//
// W1. A change is told after its commit, in the order of the writes, once however many prefixes match.
// W2. What a look costs grows with the number of different lengths of prefixes, not with how many there are.

import type { ReplyHandle } from '../../runtime/actor.js';
import { PREFIXES_MAX } from './protocol.js';

export class Watching {
  /** The stream that changes go to. */
  readonly follower: ReplyHandle;
  /** By length in UTF-16 units. */
  readonly #prefixes = new Map<number, Set<string>>();
  #count = 0;

  constructor(follower: ReplyHandle, prefixes: readonly string[]) {
    this.follower = follower;
    for (const prefix of prefixes) this.add(prefix);
  }

  /** False when there are too many. */
  add(prefix: string): boolean {
    const ofLength = this.#prefixes.get(prefix.length);
    if (ofLength?.has(prefix) === true) return true;
    if (this.#count >= PREFIXES_MAX) return false;
    this.#count++;
    if (ofLength === undefined) this.#prefixes.set(prefix.length, new Set([prefix]));
    else ofLength.add(prefix);
    return true;
  }

  remove(prefix: string): void {
    const ofLength = this.#prefixes.get(prefix.length);
    if (ofLength?.delete(prefix) !== true) return;
    this.#count--;
    if (ofLength.size === 0) this.#prefixes.delete(prefix.length);
  }

  matches(key: string): boolean {
    for (const [length, prefixes] of this.#prefixes) {
      if (length <= key.length && prefixes.has(key.slice(0, length))) return true;
    }
    return false;
  }

  get residentBytes(): number {
    return 256 + this.#count * 128;
  }
}
