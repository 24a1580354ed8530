// Turn
//
// One call of a handler: what it may read, and the effects it puts. Nothing here reaches anyone; the shard takes the
// effects when the handler has returned, or drops them when it has thrown (A1).
//
// Owns:     the effects of one turn, until they are taken.
// Does not: write, send, or decide anything about the actor.
//
// T1. A turn that was dropped leaves no trace: its reservations are given back, the asks it kept open are not open.
// T2. A read sees the turn's own writes, then those of the actor that are not in the tables yet, then the tables.

import { invariant } from '../invariant.js';
import type { AnyKind, Key, KeyedValue, Messages, Protocol, RangeQuery, ReplyHandle, TurnContext } from './actor.js';
import { slotOf } from './address.js';
import type { Cell } from './cell.js';
import { decodeValue, encodeValue } from './codec.js';
import type { Counters, Reservations } from './counters.js';
import { type Envelope, KEY_BYTES_MAX } from './envelope.js';
import type { OwnWrites, WriteVisitor } from './merged-range.js';
import type { Overlay } from './overlay.js';
import { VALUE_BYTES_MAX } from './storage/commit-batch.js';
import { encodeKey } from './storage/keys.js';
import type { StoreView } from './store-view.js';
import { hashOf, WriteSet } from './write-set.js';

export interface CounterEffect {
  readonly counter: number;
  readonly delta: number;
  readonly reserved: boolean;
}

export interface TellEffect {
  /** The recipient's kind, as its place in the system. */
  readonly kind: number;
  readonly slot: number;
  readonly key: string;
  readonly message: number;
  /** Set when it leaves the thread: what the actor does to `args` later is not sent. */
  readonly payload: Uint8Array | undefined;
  readonly args: unknown;
}

export interface ReplyEffect {
  readonly to: Envelope;
  readonly answer: unknown;
}

export type TimerEffect =
  | {
      readonly kind: 'set';
      readonly name: string;
      readonly delayMs: number;
      readonly message: number;
      readonly payload: Uint8Array | undefined;
      readonly args: unknown;
    }
  | { readonly kind: 'cancel'; readonly name: string };

/** What every turn of a shard reads and sends through. */
export interface TurnSources {
  readonly kinds: readonly AnyKind[];
  /** The slots of the shard. */
  readonly epochs: ReadonlyMap<number, number>;
  readonly forceEncoding: boolean;
  readonly view: StoreView;
  readonly overlay: Overlay;
  readonly counters: Counters;
  readonly reservations: Reservations;
}

export class Turn implements TurnContext<Messages>, OwnWrites {
  readonly #sources: TurnSources;
  #cell: Cell | undefined;
  #envelope: Envelope | undefined;
  now = 0;
  sender = 0;
  readonly writes = new WriteSet();
  events: Uint8Array[] = [];
  adds: CounterEffect[] = [];
  tells: TellEffect[] = [];
  replies: ReplyEffect[] = [];
  timers: TimerEffect[] = [];
  /** The ask of this turn was kept open. */
  keptOpen = false;

  constructor(sources: TurnSources) {
    this.#sources = sources;
  }

  /** Makes it the turn of this envelope; `undefined` for an activation, which only reads. */
  begin(cell: Cell, envelope: Envelope | undefined, nowMs: number): void {
    this.#cell = cell;
    this.#envelope = envelope;
    this.now = nowMs;
    this.sender = envelope === undefined ? 0 : envelope.sender;
  }

  get kind(): string {
    return this.#current.kind.protocol.kind;
  }

  get key(): string {
    return this.#current.key;
  }

  get isDurable(): boolean {
    return this.writes.size > 0 || this.events.length > 0 || this.adds.length > 0;
  }

  get(key: Key): unknown {
    return this.getEncoded(encodeKey(key));
  }

  /** What get() gives, by the key's bytes. */
  getEncoded(key: Uint8Array): unknown {
    let value = this.#ownValue(key);
    if (value === undefined) value = this.#sources.view.getBytes(key);
    return value === undefined || value === null ? undefined : decodeValue(value);
  }

  range(query: RangeQuery): KeyedValue[] {
    return this.#sources.view.range(query, this.#own());
  }

  rangeKeys(query: RangeQuery): Key[] {
    return this.#sources.view.rangeKeys(query, this.#own());
  }

  count(query: Omit<RangeQuery, 'limit' | 'reverse'>): number {
    return this.#sources.view.count(query, this.#own());
  }

  eachOwnWriteIn(start: Uint8Array, end: Uint8Array, visit: WriteVisitor): void {
    for (const { key, value } of this.writes.list) {
      if (Buffer.compare(key, start) >= 0 && Buffer.compare(key, end) < 0) visit(key, value);
    }
    this.#sources.overlay.eachIn(this.#current, start, end, visit);
  }

  counter(name: string): number {
    return this.#sources.counters.committed(this.#sources.counters.index(name));
  }

  put(key: Key, value: unknown): void {
    this.#checkTable(key);
    this.write(key, encodeValue(value));
  }

  delete(key: Key): void {
    this.#checkTable(key);
    this.write(key, null);
  }

  /** Also for the runtime's own tables. */
  write(key: Key, value: Uint8Array | null): void {
    // Found here it fails one turn; found by the store it would fail everybody's commit.
    invariant(
      value === null || value.length <= VALUE_BYTES_MAX,
      () => `a value of ${value?.length} bytes cannot be stored`,
    );
    this.writes.set(encodeKey(key), value);
  }

  add(counter: string, delta: number): void {
    invariant(Number.isSafeInteger(delta), 'counters hold whole numbers');
    this.adds.push({ counter: this.#sources.counters.index(counter), delta, reserved: false });
  }

  reserve(counter: string, delta: number, max: number): boolean {
    invariant(Number.isSafeInteger(delta) && delta >= 0, 'only growth is reserved; use add() for the rest');
    const index = this.#sources.counters.index(counter);
    if (!this.#sources.reservations.reserve(index, delta, max)) return false;
    this.adds.push({ counter: index, delta, reserved: true });
    return true;
  }

  emit(type: string, about: string | null, data: Readonly<Record<string, unknown>>): void {
    this.events.push(encodeValue([this.now, type, about, data]));
  }

  tell<N extends Messages, K extends keyof N & string>(
    to: Protocol<N>,
    key: string,
    message: K,
    args: N[K]['args'],
  ): void {
    const { kinds, epochs, forceEncoding } = this.#sources;
    const kind = kinds.findIndex((candidate) => candidate.protocol.kind === to.kind);
    invariant(kind >= 0, () => `there is no actor kind ${to.kind}`);
    invariant(key.length * 3 <= KEY_BYTES_MAX, 'the key of an actor is too long');
    const slot = slotOf(to.kind, key);
    const payload = forceEncoding || !epochs.has(slot) ? encodeValue(args) : undefined;
    this.tells.push({ kind, slot, key, message: messageNumber(to.messages, message), payload, args });
  }

  replyHandle(): ReplyHandle | undefined {
    const envelope = this.#envelope;
    if (envelope === undefined || envelope.correlation === 0) return undefined;
    this.keptOpen = true;
    return envelope as unknown as ReplyHandle;
  }

  reply(handle: ReplyHandle, answer: unknown): void {
    this.replies.push({ to: handle as unknown as Envelope, answer });
  }

  setTimer(name: string, delayMs: number, message: string, args: unknown): void {
    const number = messageNumber(this.#current.kind.protocol.messages, message);
    const payload = this.#sources.forceEncoding ? encodeValue(args) : undefined;
    this.timers.push({ kind: 'set', name, delayMs, message: number, payload, args });
  }

  cancelTimer(name: string): void {
    this.timers.push({ kind: 'cancel', name });
  }

  /** Forgets the effects, which the shard has taken over. */
  clear(): void {
    this.#cell = undefined;
    this.#envelope = undefined;
    this.writes.clear();
    if (this.events.length > 0) this.events = [];
    if (this.adds.length > 0) this.adds = [];
    if (this.tells.length > 0) this.tells = [];
    if (this.replies.length > 0) this.replies = [];
    if (this.timers.length > 0) this.timers = [];
    this.keptOpen = false;
  }

  /** Takes everything back (T1). */
  drop(): void {
    for (const { counter, delta, reserved } of this.adds) {
      if (reserved) this.#sources.reservations.release(counter, delta);
    }
    this.clear();
  }

  get #current(): Cell {
    invariant(this.#cell !== undefined, 'a turn was used after it had ended');
    return this.#cell;
  }

  /** What this actor wrote under a key, and the tables may not hold yet; null when it deleted it. */
  #ownValue(key: Uint8Array): Uint8Array | null | undefined {
    const cell = this.#current;
    if (cell.unapplied === 0 && this.writes.size === 0) return undefined;
    const hash = hashOf(key);
    const own = this.writes.get(key, hash);
    return own === undefined ? this.#sources.overlay.get(cell, key, hash) : own.value;
  }

  /** Nothing, when no write of this actor can be missing in the tables. */
  #own(): OwnWrites | undefined {
    return this.#current.unapplied === 0 && this.writes.size === 0 ? undefined : this;
  }

  #checkTable(key: Key): void {
    invariant(
      this.#current.kind.tables.includes(key[0]),
      () => `${this.kind} wrote to the table ${key[0]}, which it does not declare (A3)`,
    );
  }
}

export function messageNumber(messages: readonly string[], message: string): number {
  const number = messages.indexOf(message);
  invariant(number >= 0, () => `there is no message ${message} in this protocol`);
  return number;
}
