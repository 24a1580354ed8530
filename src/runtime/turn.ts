// Turn
//
// One call of a handler: what it may read, and the effects it puts. Nothing here reaches anyone; the shard takes the
// effects when the handler has returned, or drops them when it has thrown (A1).
//
// Owns:     the effects of one turn, until they are taken.
// Does not: write, send, or decide anything about the actor.
//
// T1. A turn that was dropped leaves no trace: its reservations are given back, the asks it kept open are not open.

import { Defect, invariant } from '../invariant.js';
import type { Key, Messages, OwnStore, Protocol, ReplyHandle } from './actor.js';
import { type Address, keyFault } from './address.js';
import type { Cell } from './cell.js';
import { encodeValue } from './codec.js';
import type { ActorLog, Context } from './context.js';
import type { CounterEffect, ReminderEffect, ReplyEffect, Saying, TimerEffect } from './effects.js';
import { type Envelope, WATCH } from './envelope.js';
import type { NumberedEvent } from './event-blocks.js';
import { eventHead } from './event-index.js';
import { LocalTell, SpokenTells } from './local-tell.js';
import { type AnyProtocol, slotFor } from './protocol.js';
import { nextRandom } from './random.js';
import { type Answer, type AskOptions, askFault } from './ref.js';
import { RecentRoute, type Route, Routes } from './routes.js';
import { VALUE_BYTES_MAX } from './storage/commit-batch.js';
import { encodeKey } from './storage/keys.js';
import { TurnReads } from './turn-reads.js';
import type { AskRequest, TurnSources } from './turn-sources.js';

const NO_BYTES = new Uint8Array(0);
/** The longest that a timer of Node's can be: 24.8 days. */
const DELAY_MS_MAX = 2 ** 31 - 1;
/** Of one actor. */
const TIMERS_MAX = 1_024;

export class Turn extends TurnReads implements Context, OwnStore {
  readonly #sources: TurnSources;
  #envelope: Envelope | undefined;
  #now = 0;
  /** The handler has returned: what it says meanwhile may find another world. */
  #isDetached = false;
  /** It is a step of a stream, whose ask is answered by items. */
  #isStep = false;
  /** It has put no effect. */
  isClean = true;
  events: Uint8Array[] = [];
  adds: CounterEffect[] = [];
  rewrites: NumberedEvent[] = [];
  tells: Saying[] = [];
  /** To actors that are resident here. */
  readonly spoken = new SpokenTells();
  readonly #recent: RecentRoute;
  /** Asks that leave when the handler has returned its promise. */
  asks: (() => void)[] = [];
  replies: ReplyEffect[] = [];
  timers: TimerEffect[] = [];
  reminders: ReminderEffect[] = [];
  watches: Saying[] = [];
  /** The actor's life ends with this turn. */
  isLast = false;
  /** The ask of this turn was kept open. */
  keptOpen = false;

  constructor(sources: TurnSources) {
    super(sources);
    this.#sources = sources;
    this.#recent = new RecentRoute(sources.routes);
  }

  /** Makes it the turn of this envelope; `undefined` for an activation, which only reads. */
  begin(cell: Cell, envelope: Envelope | undefined, isStep = false): void {
    this.#isStep = isStep;
    this.attach(cell);
    this.#envelope = envelope;
    this.#now = 0;
  }

  /** Its end, when it has put no effect. */
  end(): void {
    this.attach(undefined);
    this.#envelope = undefined;
  }

  /** The time of the first look: most turns take none. */
  get now(): number {
    if (this.#now === 0) this.#now = this.#sources.clock.now();
    return this.#now;
  }

  /** The handler goes on after it has returned: asks need not wait any more. */
  detach(): void {
    this.#isDetached = true;
    const { asks } = this;
    this.asks = [];
    for (const send of asks) send();
  }

  get kind(): string {
    return this.current.kind.protocol.kind;
  }

  get key(): string {
    return this.current.key;
  }

  get store(): OwnStore {
    return this;
  }

  get state(): unknown {
    return this.current.state;
  }

  set state(state: unknown) {
    this.current.state = state;
  }

  get self(): Address {
    return { kind: this.kind, key: this.key };
  }

  get sender(): Address | undefined {
    const envelope = this.#envelope;
    if (envelope === undefined || envelope.senderKind === 0) return undefined;
    return { kind: this.#sources.routes.name(envelope.senderKind - 1), key: envelope.senderKey };
  }

  get log(): ActorLog {
    const cell = this.current;
    const { log } = this.#sources;
    return {
      info: (message, details) => log('info', cell, message, details),
      warn: (message, details) => log('warn', cell, message, details),
    };
  }

  random(): number {
    return nextRandom(this.current, this.#sources.seed);
  }

  get isDurable(): boolean {
    return this.writes.size > 0 || this.events.length > 0 || this.adds.length > 0 || this.rewrites.length > 0;
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
    this.#touch();
    this.#mustKeep();
    // Found here it fails one turn; found by the store it would fail everybody's commit.
    invariant(
      value === null || value.length <= VALUE_BYTES_MAX,
      () => `a value of ${value?.length} bytes cannot be stored`,
    );
    this.writes.set(encodeKey(key), value);
  }

  add(counter: string, delta: number): void {
    this.#touch();
    invariant(Number.isSafeInteger(delta), 'counters hold whole numbers');
    this.adds.push({ counter: this.#sources.counters.index(counter), delta, reserved: false });
  }

  reserve(counter: string, delta: number, max: number): boolean {
    this.#touch();
    invariant(Number.isSafeInteger(delta) && delta >= 0, 'only growth is reserved; use add() for the rest');
    const index = this.#sources.counters.index(counter);
    if (!this.#sources.reservations.reserve(index, delta, max)) return false;
    this.adds.push({ counter: index, delta, reserved: true });
    return true;
  }

  emit(type: string, about: string | null, data: Readonly<Record<string, unknown>>): void {
    this.#mustKeep();
    this.#touch();
    this.events.push(encodeValue([this.now, type, about, data]));
  }

  rewriteEvent(seq: number, event: Uint8Array): void {
    this.#mustKeep();
    this.#touch();
    invariant(Number.isSafeInteger(seq) && seq > 0, 'events are numbered from 1');
    invariant(eventHead(event) !== undefined, 'what takes the place of an event is one');
    this.rewrites.push({ seq, value: event });
  }

  tell<N extends Messages, K extends keyof N & string>(
    to: Protocol<N>,
    key: string,
    message: K,
    args: N[K]['args'],
  ): void {
    const recent = this.#recent;
    const route = recent.to(to);
    const number = recent.numberOf(message);
    const { cells, forceEncoding } = this.#sources;
    const cell = this.#isDetached ? undefined : cells.resident(route.kind, key);
    if (cell === undefined) {
      this.#touch();
      this.tells.push(this.#saying(route, key, number, args, undefined));
    } else {
      const payload = forceEncoding ? encodeValue(args) : undefined;
      this.spoken.add(new LocalTell(number, args, payload, this.current, cell));
    }
  }

  ask<N extends Messages, K extends keyof N & string>(
    to: Protocol<N>,
    key: string,
    message: K,
    args: N[K]['args'],
    options: AskOptions = {},
  ): Promise<Answer<N[K]['reply']>> {
    const cell = this.current;
    const route = this.#sources.routes.to(to);
    const saying = this.#saying(route, key, Routes.numberOf(route, message), args, undefined);
    const chain = [...(this.#envelope?.chain ?? []), cell.address];
    const fault = askFault(options);
    if (fault !== undefined) throw new Defect(fault);
    const { timeoutMs, durability = 'durable', idempotency } = options;
    const request: AskRequest = { timeoutMs, durability, idempotency, chain };
    return new Promise((resolve) => {
      const send = () => this.#sources.ask(cell, saying, request, resolve as (answer: Answer<unknown>) => void);
      if (this.#isDetached) {
        send();
      } else {
        this.#touch();
        this.asks.push(send);
      }
    });
  }

  watch<K extends string>(to: AnyProtocol, key: string, message: K): void {
    const number = this.#ownMessage(message);
    this.#touch();
    this.watches.push(this.#saying(this.#sources.routes.to(to), key, WATCH, number, undefined));
  }

  remind(name: string, at: number, message: string, args: unknown): void {
    this.#mustKeep();
    invariant(Number.isFinite(at), 'a reminder is for a time in milliseconds since the epoch');
    this.#touch();
    this.reminders.push({ name, at, message: this.#ownMessage(message), payload: encodeValue(args) });
  }

  forget(name: string): void {
    this.#mustKeep();
    this.#touch();
    this.reminders.push({ name, at: undefined, message: 0, payload: NO_BYTES });
  }

  stop(): void {
    this.#touch();
    this.isLast = true;
  }

  replyHandle(): ReplyHandle | undefined {
    void this.current;
    const envelope = this.#envelope;
    if (envelope === undefined || envelope.correlation === 0 || this.#isStep) return undefined;
    this.#touch();
    this.keptOpen = true;
    return envelope as unknown as ReplyHandle;
  }

  reply(handle: ReplyHandle, answer: unknown): void {
    this.#touch();
    this.replies.push({ to: handle as unknown as Envelope, answer, more: false });
  }

  push(handle: ReplyHandle, item: unknown): boolean {
    const to = handle as unknown as Envelope;
    const isRead = this.current.open?.has(to) === true || (this.keptOpen && to === this.#envelope);
    this.#touch();
    if (isRead) this.replies.push({ to, answer: item, more: true });
    return isRead;
  }

  schedule(name: string, delayMs: number, message: string, args: unknown): void {
    const waiting = (this.current.timers?.size ?? 0) + this.timers.length;
    invariant(waiting < TIMERS_MAX, () => `an actor has at most ${TIMERS_MAX} timers: see remind()`);
    const isDelay = delayMs >= 0 && delayMs <= DELAY_MS_MAX;
    invariant(isDelay, () => `a timer has a delay of 0 to ${DELAY_MS_MAX} ms, not ${delayMs}: see remind()`);
    const number = this.#ownMessage(message);
    const payload = this.#sources.forceEncoding ? encodeValue(args) : undefined;
    this.#touch();
    this.timers.push({ kind: 'set', name, delayMs, message: number, payload, args });
  }

  cancel(name: string): void {
    this.#touch();
    this.timers.push({ kind: 'cancel', name });
  }

  /** Forgets the effects, which the shard has taken over. */
  clear(): void {
    this.attach(undefined);
    this.#envelope = undefined;
    this.#isDetached = false;
    if (this.spoken.count > 0) this.spoken.take(() => undefined);
    if (this.isClean) return;
    this.isClean = true;
    this.writes.clear();
    if (this.events.length > 0) this.events = [];
    if (this.adds.length > 0) this.adds = [];
    if (this.rewrites.length > 0) this.rewrites = [];
    if (this.tells.length > 0) this.tells = [];
    if (this.replies.length > 0) this.replies = [];
    if (this.timers.length > 0) this.timers = [];
    if (this.asks.length > 0) this.asks = [];
    if (this.reminders.length > 0) this.reminders = [];
    if (this.watches.length > 0) this.watches = [];
    this.isLast = false;
    this.keptOpen = false;
  }

  /** Takes everything back (T1). */
  drop(): void {
    for (const { counter, delta, reserved } of this.adds) {
      if (reserved) this.#sources.reservations.release(counter, delta);
    }
    this.clear();
  }

  #saying(route: Route, key: string, message: number, args: unknown, ask: undefined): Saying {
    const { epochs, forceEncoding } = this.#sources;
    const fault = keyFault(key);
    if (fault !== undefined) throw new Defect(fault);
    const cell = this.current;
    const slot = slotFor(route.protocol, key);
    const payload = forceEncoding || !epochs.has(slot) ? encodeValue(args) : undefined;
    const [senderKind, senderKey] = [cell.kindNumber + 1, cell.key];
    return { kind: 'saying', to: route.kind, slot, key, message, payload, args, senderKind, senderKey, ask };
  }

  /** It has put an effect. Throws after its end: another turn may use this context by then. */
  #touch(): void {
    void this.current;
    this.isClean = false;
  }

  #ownMessage(message: string): number {
    const { routes } = this.#sources;
    return Routes.numberOf(routes.to(this.current.kind.protocol), message);
  }

  #mustKeep(): void {
    invariant(
      this.#sources.isDurable,
      () => `${this.kind} writes, and this system was given no directory to keep it in`,
    );
  }

  #checkTable(key: Key): void {
    invariant(
      this.current.kind.tables.includes(key[0]),
      () => `${this.kind} wrote to the table ${key[0]}, which it does not declare (A3)`,
    );
  }
}
