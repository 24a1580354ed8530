// Dead letters
//
// What could not be delivered, or was given up, with the reason: a count for ever, and the last ones to look at and to say
// again.
//
// DL1. At most DEAD_LETTERS_KEPT are kept, and of each at most LETTER_BYTES_MAX of what it said.

import { newId } from '../ids.js';
import type { Meter } from '../metrics.js';
import { decodeValue, encodeValue } from './codec.js';
import type { Saying } from './effects.js';
import { DEAD_LETTERS } from './meters.js';

export const DEAD_LETTERS_KEPT = 256;
export const LETTER_BYTES_MAX = 64 * 1024;

export interface DeadLetter {
  readonly id: string;
  readonly address: string;
  readonly message: string;
  /** What it said; undefined when it is too large to be kept, or is no plain data. */
  readonly args: unknown;
  /** An error code. */
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What is known of a letter when it dies. */
export interface Undelivered {
  readonly address: string;
  readonly message: string;
  readonly reason: string;
  readonly at: number;
  /** How it is said again. */
  readonly saying: Omit<Saying, 'payload' | 'args' | 'ask'>;
  /** One of the two is set, as in an envelope. */
  readonly payload: Uint8Array | undefined;
  readonly args: unknown;
}

interface Kept extends Omit<Undelivered, 'args'> {
  readonly id: string;
}

export class DeadLetters {
  readonly #kept: Kept[] = [];
  /** Names are this and a count: no other life of a worker has the same. */
  readonly #name = newId();
  #next = 0;
  #total = 0;
  readonly #meter: Meter | undefined;

  get total(): number {
    return this.#total;
  }

  /** `meter`: where they are counted too. */
  constructor(meter?: Meter) {
    this.#meter = meter;
  }

  add({ args, ...letter }: Undelivered): void {
    this.#total++;
    this.#meter?.add(DEAD_LETTERS, 1);
    const payload = letter.payload ?? encoded(args);
    // A copy: a payload is a view into all that came with it.
    const isKept = payload !== undefined && payload.length <= LETTER_BYTES_MAX;
    const kept = isKept ? Uint8Array.from(payload) : undefined;
    this.#kept[this.#next] = { ...letter, payload: kept, id: `${this.#name}-${this.#total}` };
    this.#next = (this.#next + 1) % DEAD_LETTERS_KEPT;
  }

  /** The newest DEAD_LETTERS_KEPT, oldest first. */
  recent(): DeadLetter[] {
    return [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)].map(
      ({ id, address, message, reason, at, payload }) => ({
        id,
        address,
        message,
        args: payload === undefined ? undefined : decodeValue(payload),
        reason,
        at,
      }),
    );
  }

  /** What a letter said, to be said again; undefined when it is not kept. */
  find(id: string): Saying | undefined {
    const letter = this.#kept.find((each) => each.id === id);
    if (letter?.payload === undefined) return undefined;
    return { ...letter.saying, payload: letter.payload, args: undefined, ask: undefined };
  }
}

/** Undefined for what is no plain data: within a thread it came so far. */
function encoded(args: unknown): Uint8Array | undefined {
  try {
    return encodeValue(args);
  } catch {
    return undefined;
  }
}
