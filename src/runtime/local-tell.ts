// Local tell
//
// What one actor tells another of the same thread: an envelope with as few members of its own as there can be, for it is
// all that a tell allocates. The rest is the same for all of them.

import type { Cell } from './cell.js';
import { type Envelope, LOCAL } from './envelope.js';
import type { Durability, Idempotency } from './ref.js';

export class LocalTell implements Envelope {
  readonly message: number;
  readonly args: unknown;
  readonly payload: Uint8Array | undefined;
  readonly from: Cell;
  readonly to: Cell;
  attempts = 0;

  constructor(message: number, args: unknown, payload: Uint8Array | undefined, from: Cell, to: Cell) {
    this.message = message;
    this.args = args;
    this.payload = payload;
    this.from = from;
    this.to = to;
  }

  /** As an output of the outbox. */
  get kind(): 'local-tell' {
    return 'local-tell';
  }

  get senderKind(): number {
    return this.from.kindNumber + 1;
  }

  get senderKey(): string {
    return this.from.key;
  }

  get correlation(): number {
    return 0;
  }

  get origin(): number {
    return LOCAL;
  }

  get control(): boolean {
    return false;
  }

  get durability(): Durability {
    return 'durable';
  }

  get idempotency(): Idempotency | undefined {
    return undefined;
  }

  get chain(): readonly string[] | undefined {
    return undefined;
  }

  get bytes(): number {
    return this.payload === undefined ? 0 : this.payload.length;
  }
}

/** Places for what is said in a turn, that are kept for the next one. */
const PLACES_KEPT = 1_024;

/** What a turn says to actors that are resident here, in order. */
export class SpokenTells {
  readonly #tells: (LocalTell | undefined)[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(tell: LocalTell): void {
    this.#tells[this.#count++] = tell;
  }

  take(deliver: (tell: LocalTell) => void): void {
    for (let i = 0; i < this.#count; i++) {
      deliver(this.#tells[i]!);
      this.#tells[i] = undefined;
    }
    this.#count = 0;
    if (this.#tells.length > PLACES_KEPT) this.#tells.length = 0;
  }
}
